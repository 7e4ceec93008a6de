//! Where a mood is on the valence–arousal plane, and its colour, for eyes and lights alike.

use crate::ballistics::MIDDLE;

/// Red, green and blue of sRGB.
pub type Rgb = [u8; 3];

/// A label space as an axis of the plane: the direction of its first pole, degrees, and the colours
/// of both poles.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Axis {
    /// Direction of the first pole, degrees against the clock from the right.
    pub angle_degrees: f32,
    /// Its colour.
    pub first: Rgb,
    /// That of the other pole.
    pub second: Rgb,
}

/// The colours of the first and second pole of each space in turn, on dark ground.
pub const POLES: [(Rgb, Rgb); 2] =
    [([0xff, 0x8a, 0x4c], [0x5c, 0xb0, 0xff]), ([0xf7, 0xcb, 0x45], [0xb9, 0x9b, 0xff])];

/// The colour of no mood at all, on dark ground.
pub const NEUTRAL: Rgb = [0x27, 0x2d, 0x38];

/// How far from the middle a mood has no colour yet: about where both pairs of words are too close
/// to call.
const NEUTRAL_REACH: f32 = 0.15;

/// Where shares are on the plane, `[x, y]`, each coordinate about −1 to 1, y up: the point whose
/// projections on the axes come nearest to them. `spaces` are angles in degrees and shares.
///
/// ```text
/// p = argmin Σ (p·d − (2·share − 1))²,  d = direction of a space's first pole;  least squares, by its normal equations
/// ```
///
/// Shares that are not numbers do not count. With axes that span no plane the point lies on them.
#[must_use]
pub fn position(spaces: impl Iterator<Item = (f32, f32)>) -> [f32; 2] {
    /// Keeps axes in one line soluble.
    const RIDGE: f32 = 1e-3;
    let (mut xx, mut xy, mut yy, mut b) = (RIDGE, 0.0, RIDGE, [0.0; 2]);
    for (angle_degrees, share) in spaces.filter(|(_, share)| share.is_finite()) {
        let (sin, cos) = angle_degrees.to_radians().sin_cos();
        (xx, xy, yy) = (xx + cos * cos, xy + cos * sin, yy + sin * sin);
        let votes = 2.0 * (share - MIDDLE);
        b = [b[0] + votes * cos, b[1] + votes * sin];
    }
    let determinant = xx * yy - xy * xy;
    [(yy * b[0] - xy * b[1]) / determinant, (xx * b[1] - xy * b[0]) / determinant]
}

/// The colour at `degrees`: those of the poles, each weighted by how nearly it points there; `None`
/// where none does.
#[must_use]
pub fn colour_towards(degrees: f32, axes: impl Iterator<Item = Axis>) -> Option<Rgb> {
    let mut sum = [0.0; 3];
    let mut weights = 0.0;
    for Axis { angle_degrees, first, second } in axes {
        for (pole, angle) in [(first, angle_degrees), (second, angle_degrees + 180.0)] {
            let weight = (degrees - angle).to_radians().cos().max(0.0).powi(2);
            for (sum, byte) in sum.iter_mut().zip(pole) {
                *sum += weight * f32::from(byte);
            }
            weights += weight;
        }
    }
    // A weighted mean of bytes is a byte.
    (weights >= 1e-3).then(|| sum.map(|sum| (sum / weights).round() as u8))
}

/// How much of its direction's colour a mood at `[x, y]` has, in [0, 1]: the more the farther from
/// the middle, where it is neutral.
#[must_use]
pub fn strength([x, y]: [f32; 2]) -> f32 {
    ((x.hypot(y) - NEUTRAL_REACH) / (1.0 - NEUTRAL_REACH)).clamp(0.0, 1.0).powf(0.75)
}

/// The colour of a mood at `[x, y]` on the plane that `axes` span, each channel in [0, 1] of sRGB:
/// from [`NEUTRAL`] to that of its direction.
#[must_use]
pub fn colour([x, y]: [f32; 2], axes: impl Iterator<Item = Axis>) -> [f32; 3] {
    let towards = colour_towards(y.atan2(x).to_degrees(), axes).unwrap_or(NEUTRAL);
    let strength = strength([x, y]);
    std::array::from_fn(|i| {
        let [from, to] = [NEUTRAL[i], towards[i]].map(|byte| f32::from(byte) / 255.0);
        from + strength * (to - from)
    })
}
