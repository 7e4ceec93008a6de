//! The features that the network takes, each told once: its name, how many values it has, the side
//! of the music that it belongs to, and where the values come from.
//!
//! A feature more is a row more at the end of its table. Rows never move, for models name and scale
//! them; `features.txt` holds the tables to that.

use super::WindowSummary;
use super::step::{Part, Step};
use crate::analysis::group::Group;
use crate::analysis::stft::mean_power;
use crate::analysis::tempo::Tempo;
use crate::analysis::tonality::TONALITY_NAMES;
use crate::config::{
    MEL_RANGE_DB, N_CHROMA, N_CONTRAST_BANDS, N_MEL_BANDS, N_MODULATION_BANDS, N_MODULATION_RATES,
    N_TONALITY,
};
use crate::units::power_to_db;

/// Values of the modulation of all bands.
pub(super) const N_MODULATION: usize = N_MODULATION_BANDS * N_MODULATION_RATES;

/// One row: values that stand side by side, and the function `G` that gets them.
struct Row<G> {
    name: &'static str,
    n: usize,
    /// How its values are told apart behind its name.
    each: Each,
    group: Group,
    get: G,
}

/// How the values of a row are named.
enum Each {
    /// There is one, of the row's name.
    One,
    /// By pitch class, C first.
    PitchClass,
    /// By the number of its band.
    Band,
    /// By the number of its band, and that of its rate.
    BandAndRate,
    /// By names of their own.
    Own(&'static [&'static str]),
}

const fn row<G: Copy>(name: &'static str, n: usize, each: Each, group: Group, get: G) -> Row<G> {
    Row { name, n, each, group, get }
}

/// Gets the values of a row, which take all of a slice.
type OfStep = fn(&LevelledStep<'_>, &mut [f32]);
type OfWhole = fn(&Whole<'_>, &mut [f32]);

/// A step, and the level that its bands are told relative to, dB.
pub(super) struct LevelledStep<'a> {
    pub(super) step: &'a Step,
    pub(super) level_db: f32,
}

/// What is known of a window as a whole.
pub(super) struct Whole<'a> {
    pub(super) summary: &'a WindowSummary,
    /// Mean energy of both parts.
    pub(super) mean_energy: f32,
    pub(super) tonality: &'a [f32; N_TONALITY],
    pub(super) modulation_db: &'a [f32; N_MODULATION],
}

/// The features of one step. Mel bands and level are dB re the window's level, at least
/// −[`MEL_RANGE_DB`].
const STEP_ROWS: [Row<OfStep>; 10] = [
    row("chroma_harmonic", N_CHROMA, Each::PitchClass, Group::Harmony, |of, out| {
        out.copy_from_slice(&of.step.harmonic.chroma);
    }),
    row("chroma_percussive", N_CHROMA, Each::PitchClass, Group::Harmony, |of, out| {
        out.copy_from_slice(&of.step.percussive.chroma);
    }),
    row("mel_harmonic", N_MEL_BANDS, Each::Band, Group::Colour, |of, out| {
        of.mel(&of.step.harmonic, out);
    }),
    row("mel_percussive", N_MEL_BANDS, Each::Band, Group::Colour, |of, out| {
        of.mel(&of.step.percussive, out);
    }),
    row("onset_harmonic", 1, Each::One, Group::Pulse, |of, out| out[0] = of.step.harmonic.onset),
    row("onset_percussive", 1, Each::One, Group::Pulse, |of, out| {
        out[0] = of.step.percussive.onset;
    }),
    row("change", N_MEL_BANDS, Each::Band, Group::Dynamics, |of, out| {
        out.copy_from_slice(&of.step.change);
    }),
    row("level", 1, Each::One, Group::Dynamics, |of, out| {
        out[0] = of.relative(power_to_db(of.step.energy()));
    }),
    row("crest", 1, Each::One, Group::Dynamics, |of, out| out[0] = of.step.crest_db),
    row("contrast", N_CONTRAST_BANDS, Each::Band, Group::Colour, |of, out| {
        out.copy_from_slice(&of.step.contrast);
    }),
];

/// The features of a whole window: octaves above 120 BPM; dB re the window's mean power, and re
/// full scale, the only features that gain moves;
/// [`Tonality`](crate::analysis::tonality::Tonality);
/// [`ModulationSpectrum`](crate::analysis::modulation::ModulationSpectrum) of every band, dB.
const CONSTANT_ROWS: [Row<OfWhole>; 8] = [
    row("tempo_harmonic_octaves", 1, Each::One, Group::Pulse, |of, out| {
        out[0] = octaves(of.summary.tempo_harmonic);
    }),
    row("tempo_percussive_octaves", 1, Each::One, Group::Pulse, |of, out| {
        out[0] = octaves(of.summary.tempo_percussive);
    }),
    row("energy_harmonic_db", 1, Each::One, Group::Percussion, |of, out| {
        out[0] = of.relative(of.summary.energy_harmonic_db);
    }),
    row("energy_percussive_db", 1, Each::One, Group::Percussion, |of, out| {
        out[0] = of.relative(of.summary.energy_percussive_db);
    }),
    row("energy_harmonic_dbfs", 1, Each::One, Group::Percussion, |of, out| {
        out[0] = of.summary.energy_harmonic_db;
    }),
    row("energy_percussive_dbfs", 1, Each::One, Group::Percussion, |of, out| {
        out[0] = of.summary.energy_percussive_db;
    }),
    row("", N_TONALITY, Each::Own(&TONALITY_NAMES), Group::Harmony, |of, out| {
        out.copy_from_slice(of.tonality);
    }),
    row("modulation", N_MODULATION, Each::BandAndRate, Group::Pulse, |of, out| {
        out.copy_from_slice(of.modulation_db);
    }),
];

/// Features of one step.
pub const N_STEP_FEATURES: usize = n_values(&STEP_ROWS);

/// Features of a whole window.
pub const N_CONSTANTS: usize = n_values(&CONSTANT_ROWS);

const fn n_values<G>(rows: &[Row<G>]) -> usize {
    let (mut n, mut i) = (0, 0);
    while i < rows.len() {
        n += rows[i].n;
        i += 1;
    }
    n
}

impl<G> Row<G> {
    /// The names of its values.
    fn names(&self) -> impl Iterator<Item = String> {
        const PITCH_CLASSES: [&str; N_CHROMA] =
            ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"];
        let name = self.name;
        (0..self.n).map(move |i| match self.each {
            Each::One => name.to_owned(),
            Each::PitchClass => format!("{name}_{}", PITCH_CLASSES[i]),
            Each::Band => format!("{name}_{i:02}"),
            Each::BandAndRate => {
                format!("{name}_{:02}_{}", i / N_MODULATION_RATES, i % N_MODULATION_RATES)
            }
            Each::Own(names) => names[i].to_owned(),
        })
    }
}

/// Has `get` write the values of all rows, one after another.
fn write<G>(rows: &[Row<G>], mut out: &mut [f32], get: impl Fn(&G, &mut [f32])) {
    for row in rows {
        let (values, rest) = std::mem::take(&mut out).split_at_mut(row.n);
        get(&row.get, values);
        out = rest;
    }
}

/// Step features, in the order in which the network takes them.
#[must_use]
pub fn step_names() -> Vec<String> {
    STEP_ROWS.iter().flat_map(Row::names).collect()
}

/// Window features, in the order in which the network takes them.
#[must_use]
pub fn constant_names() -> Vec<String> {
    CONSTANT_ROWS.iter().flat_map(Row::names).collect()
}

/// The side of the music that each feature belongs to, of a step and of the whole window, by name.
#[must_use]
pub fn feature_groups() -> Vec<(String, Group)> {
    fn of_rows<G>(rows: &[Row<G>]) -> impl Iterator<Item = (String, Group)> {
        rows.iter().flat_map(|row| row.names().map(|name| (name, row.group)))
    }
    of_rows(&STEP_ROWS).chain(of_rows(&CONSTANT_ROWS)).collect()
}

impl LevelledStep<'_> {
    /// Writes the step's features, `[N_STEP_FEATURES]`.
    pub(super) fn write(&self, out: &mut [f32]) {
        write(&STEP_ROWS, out, |get, values| get(self, values));
    }

    fn mel(&self, part: &Part, out: &mut [f32]) {
        out.iter_mut().zip(part.mel_db).for_each(|(out, db)| *out = self.relative(db));
    }

    fn relative(&self, db: f32) -> f32 {
        (db - self.level_db).max(-MEL_RANGE_DB)
    }
}

impl Whole<'_> {
    /// Writes the window's features.
    pub(super) fn write(&self, out: &mut [f32; N_CONSTANTS]) {
        write(&CONSTANT_ROWS, out, |get, values| get(self, values));
    }

    fn relative(&self, energy_db: f32) -> f32 {
        (energy_db - power_to_db(mean_power(self.mean_energy))).clamp(-MEL_RANGE_DB, 0.0)
    }
}

fn octaves(tempo: Tempo) -> f32 {
    if tempo.bpm > 0.0 { (tempo.bpm / 120.0).log2() } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::group::GROUPS;

    #[test]
    fn every_feature_has_its_own_name_and_stays_where_it_is() {
        let groups = feature_groups();
        let told = groups.iter().map(|(name, group)| format!("{name} {}\n", group.word()));
        let told: String = told.collect();
        assert_eq!(told, include_str!("features.txt"), "models name features by these");
        let mut names: Vec<&String> = groups.iter().map(|(name, _)| name).collect();
        assert_eq!(names.len(), N_STEP_FEATURES + N_CONSTANTS);
        names.sort();
        names.dedup();
        assert_eq!(names.len(), N_STEP_FEATURES + N_CONSTANTS);
    }

    #[test]
    fn every_group_has_features() {
        let groups = feature_groups();
        for group in GROUPS {
            assert!(groups.iter().any(|(_, of)| *of == group), "{group:?} has no feature");
        }
    }
}
