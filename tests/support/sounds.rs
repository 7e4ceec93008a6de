//! Sounds that hide something, and what they must read as.

use super::music::music;

/// Seconds of each: the last two are of a window that has forgotten how it began.
pub const SECS: f64 = 14.0;

/// Seconds from which on a sound must read as what it is.
pub const SETTLED_SECS: f64 = 12.0;

/// By how much shares may differ: a tenth of what the meter shows as a difference.
pub const TOLERANCE: f32 = 0.003;

/// A sound in channels, and the channels as which it must read; none where it must read as silence.
pub struct Sound {
    pub name: &'static str,
    pub channels: Vec<Vec<f32>>,
    pub reads_as: Option<Vec<Vec<f32>>>,
}

fn scaled(x: &[f32], gain: f32) -> Vec<f32> {
    x.iter().map(|x| gain * x).collect()
}

/// All of them, at `rate_hz`.
pub fn sounds(rate_hz: f64) -> Vec<Sound> {
    let stereo = music(SECS, rate_hz, 2);
    let [left, right] = [&stereo[0], &stereo[1]];
    let n_samples = left.len();
    // The music is at about −15 dB.
    let quiet: Vec<Vec<f32>> = stereo.iter().map(|x| scaled(x, 0.003)).collect();
    let mut wide = vec![vec![0.0; n_samples]; 6];
    wide[..2].clone_from_slice(&quiet);
    let sound = |name, channels, reads_as| Sound { name, channels, reads_as };
    vec![
        sound("right inverted", vec![left.clone(), scaled(right, -1.0)], Some(stereo.clone())),
        sound("right = −left", vec![left.clone(), scaled(left, -1.0)], Some(vec![left.clone(); 2])),
        sound(
            "right is no number",
            vec![left.clone(), vec![f32::NAN; n_samples]],
            Some(vec![left.clone(); 2]),
        ),
        sound("quiet stereo in front of 5.1", wide, Some(quiet)),
        sound("a constant of 0.01", vec![vec![0.01; n_samples]; 2], None),
    ]
}
