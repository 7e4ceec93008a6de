//! How the stage moves with the host's beat.

use std::f64::consts::PI;
use std::time::Duration;

use crate::engine::beat::Beat;

/// Time between frames while it moves.
pub const FRAME: Duration = Duration::from_millis(33);

/// Most swells a second: more could harm those whom flashes make ill (WCAG 2.3.1).
const MOST_A_SECOND: f64 = 3.0;

/// How strong the swell is at `beat`, in [0, 1]: 1 on the beat, down to nothing half way to the
/// next, without a jump. Of a faster tempo every second beat counts, or every fourth.
pub fn strength(beat: Beat) -> f32 {
    let mut quarters = 1.0;
    while beat.tempo_bpm / 60.0 / quarters > MOST_A_SECOND {
        quarters *= 2.0;
    }
    let swell = (PI * beat.quarters / quarters).cos().powi(2);
    (swell * swell) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stage_swells_on_the_beat_and_never_more_than_three_times_a_second() {
        for tempo_bpm in [30.0, 90.0, 120.0, 174.0, 180.0, 181.0, 300.0, 400.0, 1000.0] {
            let at = |quarters| strength(Beat { quarters, tempo_bpm });
            assert!((at(0.0) - 1.0).abs() < 1e-6 && (at(16.0) - 1.0).abs() < 1e-6);
            let secs = 20.0;
            let steps = 20_000;
            let level = |step: i32| at(f64::from(step) / 1000.0 * tempo_bpm / 60.0);
            let is_bright = |step: i32| level(step) > 0.5;
            let n_swells = (1..steps).filter(|&n| is_bright(n) && !is_bright(n - 1)).count();
            assert!(n_swells as f64 <= 3.0 * secs, "{tempo_bpm}: {n_swells}");
            assert!(n_swells as f64 >= secs * (tempo_bpm / 60.0).min(1.5) - 1.0, "{tempo_bpm}");
            let steepest = (1..steps).map(|n| (level(n) - level(n - 1)).abs()).fold(0.0, f32::max);
            assert!(steepest < 0.02, "{tempo_bpm}: a jump of {steepest} in a thousandth second");
        }
    }
}
