//! How far a share may be from what listeners would say, as measured on songs that the network had
//! never heard.

use serde::Deserialize;

/// Most entries of a table: a card with more is not a card.
const MAX_ENTRIES: usize = 64;

/// For one label space, where listeners' own share of votes lay in four of five unseen songs, given
/// the share read.
///
/// Quantiles of .1 and .9 by cross-validation, one row per length of music heard: a provisional
/// reading is worth less. Between entries the table is interpolated, beyond them it stays.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Uncertainty {
    /// Seconds of music heard, rising; a row each.
    heard_secs: Vec<f32>,
    /// Shares read, rising; a column each.
    shares: Vec<f32>,
    /// Lower end of the band, `[heard_secs][shares]`.
    low: Vec<Vec<f32>>,
    /// Upper end of the band, `[heard_secs][shares]`.
    high: Vec<Vec<f32>>,
}

impl Uncertainty {
    /// Checks that this is a table of shares.
    pub(super) fn check(&self) -> Result<(), String> {
        let rises = |values: &[f32]| {
            (1..=MAX_ENTRIES).contains(&values.len())
                && values.iter().all(|x| x.is_finite())
                && values.windows(2).all(|pair| pair[0] < pair[1])
        };
        if !rises(&self.heard_secs) || !rises(&self.shares) {
            return Err("doubt: heard_secs and shares must each rise from entry to entry".into());
        }
        for (name, table) in [("low", &self.low), ("high", &self.high)] {
            let fits = table.len() == self.heard_secs.len()
                && table.iter().all(|row| row.len() == self.shares.len());
            let are_shares = table.iter().flatten().all(|x| (0.0..=1.0).contains(x));
            if !fits || !are_shares {
                return Err(format!(
                    "doubt: {name} must have {} rows of {} shares in 0 to 1",
                    self.heard_secs.len(),
                    self.shares.len()
                ));
            }
        }
        Ok(())
    }

    /// The band around `share`, which it always holds, after `heard_secs` of music.
    ///
    /// # Real-time safety
    /// Neither allocates nor fails.
    #[must_use]
    pub fn band(&self, share: f32, heard_secs: f32) -> [f32; 2] {
        let (row, down) = place(&self.heard_secs, heard_secs);
        let (column, across) = place(&self.shares, share);
        let at = |table: &[Vec<f32>]| {
            let value = |r: usize, c: usize| table[r][c];
            let (next_row, next_column) =
                ((row + 1).min(table.len() - 1), (column + 1).min(table[row].len() - 1));
            let upper = mix(value(row, column), value(row, next_column), across);
            let lower = mix(value(next_row, column), value(next_row, next_column), across);
            mix(upper, lower, down)
        };
        [at(&self.low).min(share), at(&self.high).max(share)]
    }
}

/// The entry at or under `x`, and how far `x` is towards the next, 0 to 1.
fn place(entries: &[f32], x: f32) -> (usize, f32) {
    let after = entries.partition_point(|entry| *entry <= x);
    match (after.checked_sub(1), entries.get(after)) {
        (None, _) => (0, 0.0),
        (Some(last), None) => (last, 0.0),
        (Some(at), Some(next)) => (at, (x - entries[at]) / (next - entries[at])),
    }
}

fn mix(a: f32, b: f32, part: f32) -> f32 {
    a + part * (b - a)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uncertainty() -> Uncertainty {
        Uncertainty {
            heard_secs: vec![1.0, 10.0],
            shares: vec![0.2, 0.4, 0.8],
            low: vec![vec![0.0, 0.1, 0.5], vec![0.1, 0.3, 0.7]],
            high: vec![vec![0.5, 0.7, 1.0], vec![0.3, 0.5, 0.9]],
        }
    }

    #[test]
    fn the_band_is_the_tables_where_it_has_an_entry_and_between_otherwise() {
        let band = |share, secs| uncertainty().band(share, secs);
        assert_eq!(band(0.4, 10.0), [0.3, 0.5]);
        assert_eq!(band(0.4, 1.0), [0.1, 0.7]);
        let [low, high] = band(0.3, 5.5);
        assert!((low - 0.125).abs() < 1e-6 && (high - 0.5).abs() < 1e-6, "{low} {high}");
    }

    #[test]
    fn beyond_the_table_its_edge_counts_and_the_share_is_always_inside() {
        let band = |share, secs| uncertainty().band(share, secs);
        assert_eq!(band(0.0, 0.0), [0.0, 0.5]);
        assert_eq!(band(1.0, 99.0), [0.7, 1.0]);
        assert_eq!(band(0.05, 99.0), [0.05, 0.3]);
    }

    #[test]
    fn tables_that_are_none_are_refused() {
        assert_eq!(uncertainty().check(), Ok(()));
        let broken: [fn(&mut Uncertainty); 6] = [
            |d| d.shares.reverse(),
            |d| d.heard_secs.clear(),
            |d| drop(d.low.pop()),
            |d| d.high[0].push(0.5),
            |d| d.low[1][0] = f32::NAN,
            |d| d.high[1][2] = 1.5,
        ];
        for (i, break_it) in broken.iter().enumerate() {
            let mut uncertainty = uncertainty();
            break_it(&mut uncertainty);
            assert!(uncertainty.check().is_err(), "{i}: {uncertainty:?}");
        }
    }
}
