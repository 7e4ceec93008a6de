//! How long one call takes.

use std::time::{Duration, Instant};

use super::report::{Cost, rounded};

/// Rounds of a measurement, and what each should take.
const ROUNDS: usize = 15;
const ROUND: Duration = Duration::from_millis(20);

/// The cost of one of many calls of `body`.
pub fn cost(mut body: impl FnMut()) -> Cost {
    let began = Instant::now();
    body();
    let once = began.elapsed().max(Duration::from_nanos(50));
    let calls = (ROUND.as_nanos() / once.as_nanos()).clamp(1, 100_000) as u32;
    let mut rounds_us: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let began = Instant::now();
            (0..calls).for_each(|_| body());
            began.elapsed().as_secs_f64() * 1e6 / f64::from(calls)
        })
        .collect();
    rounds_us.sort_by(f64::total_cmp);
    Cost { median: rounded(rounds_us[ROUNDS / 2]), least: rounded(rounds_us[0]) }
}
