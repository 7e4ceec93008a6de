//! How a needle moves: quickly away from the middle, slowly back, the same at any frame rate.
//!
//! **Architecture Invariant**: raw values cross the border into the editor; all smoothing for the eye is here.

/// Time constant of a needle moving away from the middle, seconds: two readings' worth, so that a step looks like a move.
const ATTACK_SECS: f32 = 0.14;

/// Time constant of a needle falling back to the middle, seconds.
const RELEASE_SECS: f32 = 0.30;

/// Where a bipolar needle rests, as a share.
pub const MIDDLE: f32 = 0.5;

/// A needle on a bipolar scale from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Needle {
    position: f32,
}

impl Default for Needle {
    fn default() -> Self {
        Self { position: MIDDLE }
    }
}

impl Needle {
    /// Where it points now, in [0, 1].
    #[must_use]
    pub fn position(&self) -> f32 {
        self.position
    }

    /// Moves towards `target` for `elapsed_secs`, and says whether it has still to move.
    ///
    /// ```text
    /// position += (target − position) · (1 − exp(−elapsed / τ)),  τ = attack away from the middle, release towards it
    /// ```
    ///
    /// Nearer to the target than `resolution` (what half a pixel shows) it arrives. A target that is no number is ignored.
    pub fn advance(&mut self, target: f32, elapsed_secs: f32, resolution: f32) -> bool {
        if target.is_finite() {
            let target = target.clamp(0.0, 1.0);
            let away = (target - MIDDLE).abs() > (self.position - MIDDLE).abs();
            let constant_secs = if away { ATTACK_SECS } else { RELEASE_SECS };
            self.position +=
                (target - self.position) * -(-elapsed_secs.max(0.0) / constant_secs).exp_m1();
            if (target - self.position).abs() > resolution {
                return true;
            }
            self.position = target;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FINE: f32 = 1e-4;

    fn at(position: f32) -> Needle {
        Needle { position }
    }

    #[test]
    fn one_time_constant_covers_63_percent_of_the_way() {
        let mut needle = Needle::default();
        needle.advance(1.0, ATTACK_SECS, FINE);
        assert!((needle.position() - (0.5 + 0.5 * 0.632)).abs() < 1e-3);
    }

    #[test]
    fn falling_back_is_slower_than_moving_out() {
        let (mut out, mut back) = (Needle::default(), at(1.0));
        out.advance(1.0, 0.1, FINE);
        back.advance(0.5, 0.1, FINE);
        assert!(out.position() - 0.5 > 1.0 - back.position());
    }

    #[test]
    fn the_frame_rate_does_not_matter() {
        let (mut coarse, mut fine) = (Needle::default(), Needle::default());
        coarse.advance(0.9, 0.12, FINE);
        (0..12).for_each(|_| assert!(fine.advance(0.9, 0.01, FINE)));
        assert!((coarse.position() - fine.position()).abs() < 1e-5);
    }

    #[test]
    fn it_arrives_and_then_needs_no_repaint() {
        let mut needle = Needle::default();
        let steps = (0..1000).take_while(|_| needle.advance(0.2, 1.0 / 60.0, 0.002)).count();
        assert!(steps > 3 && steps < 120, "{steps} steps");
        assert_eq!(needle.position(), 0.2);
        assert!(!needle.advance(0.2, 1.0 / 60.0, 0.002));
    }

    #[test]
    fn it_never_overshoots_however_long_a_frame_takes() {
        let mut needle = at(0.1);
        needle.advance(0.9, 1e9, FINE);
        assert_eq!(needle.position(), 0.9);
        needle.advance(7.0, 1e9, FINE);
        assert_eq!(needle.position(), 1.0);
    }

    #[test]
    fn a_target_that_is_no_number_leaves_it_where_it_was() {
        let mut needle = at(0.3);
        assert!(!needle.advance(f32::NAN, 0.1, FINE));
        assert_eq!(needle.position(), 0.3);
    }

    #[test]
    fn time_that_runs_backwards_does_not_move_it() {
        let mut needle = at(0.3);
        needle.advance(0.9, -1.0, FINE);
        assert_eq!(needle.position(), 0.3);
    }
}
