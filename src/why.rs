//! [`Why`]: what pushed a reading, in groups of features that a musician can name.
//!
//! **Architecture Invariant**: knows the groups, never how a feature is computed.

pub use crate::analysis::group::{GROUPS, Group, N_GROUPS};
use crate::reading::MAX_SPACES;

/// How each side of the music pushed a reading's shares.
///
/// ```text
/// push(g) = share − share with the features of g at their means over the training songs
/// ```
///
/// A push is in [−1, 1], positive towards the first pole: +0.1 says that with average harmony, all
/// else as it is, the share of excited would be 0.1 smaller. A group of which the model takes no
/// feature pushes by 0.
///
/// # Limits
/// It tells what moved this model, which need not be what moves a listener. Groups interact, as a
/// loud beat lifts pulse and dynamics alike: the pushes do not sum to the share, nor to its
/// distance from an even vote, and a group that only repeats what another says pushes by little
/// though both matter. An average of one group beside the rest of this song may be music that
/// nobody ever played, where a network is less sure than elsewhere.
///
/// # Source
/// Occlusion: Zeiler and Fergus, "Visualizing and understanding convolutional networks", ECCV 2014,
/// section 4.2, with groups of features in place of patches of an image, and the training mean in
/// place of grey.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(not(feature = "internals"), non_exhaustive)]
pub struct Why {
    /// [`Reading::time_secs`](crate::reading::Reading::time_secs) of the reading that this
    /// explains.
    pub time_secs: f64,
    /// Label spaces in use.
    pub n_spaces: usize,
    /// The push of each group, in the order of [`GROUPS`], on the share of each space's first pole;
    /// 0 beyond the spaces in use.
    pub pushes: [[f32; N_GROUPS]; MAX_SPACES],
}

impl Why {
    /// Every group's push on the share of label space `space`; nothing beyond the spaces in use.
    pub fn of_space(&self, space: usize) -> impl Iterator<Item = (Group, f32)> {
        let in_use = &self.pushes[..self.n_spaces.min(MAX_SPACES)];
        in_use.get(space).into_iter().flat_map(|pushes| GROUPS.into_iter().zip(*pushes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_space_that_is_not_there_was_pushed_by_nothing() {
        let why = Why { n_spaces: 1, pushes: [[0.5; N_GROUPS]; MAX_SPACES], ..Why::default() };
        assert_eq!(why.of_space(0).count(), N_GROUPS);
        assert_eq!(why.of_space(1).count(), 0);
        assert_eq!(Why { n_spaces: 99, ..why }.of_space(99).count(), 0);
    }
}
