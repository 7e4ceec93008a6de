//! What a user has set in the window, kept with the host's project.

use serde::{Deserialize, Deserializer, Serialize};

use crate::history::compare::Snapshot;

/// Size of the window when it is first opened, points.
pub const DEFAULT_SIZE: (f32, f32) = (760.0, 480.0);

/// Smallest size at which the window is usable, points.
pub const MIN_SIZE: (f32, f32) = (320.0, 200.0);

/// What the window shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Page {
    /// The meters.
    #[default]
    Now,
    /// The history of the song.
    Then,
    /// What the reading rests on.
    Why,
    /// Everything that can be set.
    Setup,
    /// Where readings are written.
    Outputs,
    /// What the model in charge says of itself.
    About,
}

impl Page {
    /// All pages that have a tab, in the order of their tabs.
    pub const ALL: [Self; 5] = [Self::Now, Self::Then, Self::Why, Self::Setup, Self::About];
}

/// Which colours the editor wears.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaletteChoice {
    /// For studios and stages.
    #[default]
    Dark,
    /// For daylight.
    Light,
    /// For eyes that confuse red and green.
    RedGreenSafe,
    /// For eyes that confuse blue and yellow.
    BlueYellowSafe,
}

impl PaletteChoice {
    /// All there are, in the order in which they are offered.
    pub const ALL: [Self; 4] = [Self::Dark, Self::Light, Self::RedGreenSafe, Self::BlueYellowSafe];
}

/// What the stage view shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StageLook {
    /// Meters as large as they get.
    #[default]
    Meter,
    /// A field of the mood's colour.
    Field,
}

impl StageLook {
    /// The one that it is not.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Meter => Self::Field,
            Self::Field => Self::Meter,
        }
    }
}

/// Shortest and longest stretch of history that is shown at once, seconds.
pub const SPAN_SECS: (f32, f32) = (10.0, 6.0 * 3600.0);

/// What a user has set. A setting of another version, or none, is the default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Prefs {
    /// The page in front.
    #[serde(deserialize_with = "or_default")]
    pub page: Page,
    /// The colours.
    #[serde(deserialize_with = "or_default")]
    pub palette: PaletteChoice,
    /// Whether needles jump instead of gliding, and nothing trails.
    #[serde(deserialize_with = "or_default")]
    pub reduced_motion: bool,
    /// Whether the stage view is on.
    #[serde(deserialize_with = "or_default")]
    pub on_stage: bool,
    /// What the stage view shows.
    #[serde(deserialize_with = "or_default")]
    pub stage_look: StageLook,
    /// Whether the edges of the stage swell with the host's beat.
    #[serde(deserialize_with = "or_default")]
    pub pulse: bool,
    /// Stretch of history shown at once, seconds; 0 for all there is.
    #[serde(deserialize_with = "or_default")]
    pub span_secs: f32,
    /// First poles of the label spaces that are not shown.
    #[serde(deserialize_with = "or_default")]
    pub hidden: Vec<String>,
    /// Stretches of music that are compared, A and B.
    #[serde(deserialize_with = "or_default")]
    pub kept: [Option<Snapshot>; 2],
    /// Size of the window, points.
    #[serde(deserialize_with = "or_default")]
    size: Option<(f32, f32)>,
}

impl Default for Prefs {
    fn default() -> Self {
        Self {
            page: Page::default(),
            palette: PaletteChoice::default(),
            reduced_motion: false,
            on_stage: false,
            stage_look: StageLook::default(),
            pulse: false,
            span_secs: 0.0,
            hidden: Vec::new(),
            kept: [None, None],
            size: None,
        }
    }
}

impl Prefs {
    /// Size of the window, points: as it was last, within what a screen can hold.
    #[must_use]
    pub fn size(&self) -> (f32, f32) {
        /// Larger than any screen, points.
        const MOST: f32 = 16_384.0;
        let within = |length: f32, least: f32, usual: f32| {
            if length.is_finite() { length.clamp(least, MOST) } else { usual }
        };
        let (width, height) = self.size.unwrap_or(DEFAULT_SIZE);
        let (usual, least) = (DEFAULT_SIZE, MIN_SIZE);
        (within(width, least.0, usual.0), within(height, least.1, usual.1))
    }

    /// Remembers the size of the window, points.
    pub fn set_size(&mut self, width: f32, height: f32) {
        self.size = Some((width, height));
    }

    /// Whether the label space with this first pole is shown.
    #[must_use]
    pub fn shows(&self, first: &str) -> bool {
        !self.hidden.iter().any(|hidden| hidden == first)
    }

    /// Shows or hides the label space with this first pole.
    pub fn set_shown(&mut self, first: &str, shown: bool) {
        self.hidden.retain(|hidden| hidden != first);
        if !shown {
            self.hidden.push(first.to_owned());
        }
    }

    /// Stretch of history shown at once, seconds; `None` for all there is.
    #[must_use]
    pub fn span(&self) -> Option<f64> {
        (self.span_secs > 0.0).then(|| f64::from(self.span_secs.clamp(SPAN_SECS.0, SPAN_SECS.1)))
    }
}

impl Prefs {
    /// Whether the page in front changes with the history.
    #[must_use]
    pub fn looks_back(&self) -> bool {
        !self.on_stage
            && (self.page == Page::Then || self.page == Page::Now && !self.reduced_motion)
    }

    /// Whether the page in front has needles.
    #[must_use]
    pub fn shows_needles(&self) -> bool {
        self.on_stage || self.page == Page::Now
    }

    /// Whether what is in front moves with the host's beat.
    #[must_use]
    pub fn pulses(&self) -> bool {
        self.on_stage && self.pulse && !self.reduced_motion
    }

    /// Whether the page in front says what pushed the reading.
    #[must_use]
    pub fn asks_why(&self) -> bool {
        !self.on_stage && self.page == Page::Why
    }
}

/// A value of its type, or the default for what another version may have written.
fn or_default<'de, D: Deserializer<'de>, T: Default + for<'a> Deserialize<'a>>(
    deserializer: D,
) -> Result<T, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(T::deserialize(value).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_set_is_there_again() {
        let mut prefs = Prefs {
            page: Page::Why,
            palette: PaletteChoice::Light,
            on_stage: true,
            stage_look: StageLook::Field,
            pulse: true,
            span_secs: 90.0,
            ..Prefs::default()
        };
        prefs.set_size(1000.0, 700.0);
        prefs.set_shown("joy", false);
        let text = serde_json::to_string(&prefs).unwrap();
        assert_eq!(serde_json::from_str::<Prefs>(&text).unwrap(), prefs);
    }

    #[test]
    fn what_another_version_wrote_is_taken_as_far_as_it_is_known() {
        let text = r#"{"page": "spectrum", "palette": "light", "size": "huge", "hidden": [1], "more": {}}"#;
        let prefs: Prefs = serde_json::from_str(text).unwrap();
        assert_eq!(prefs, Prefs { palette: PaletteChoice::Light, ..Prefs::default() });
    }

    #[test]
    fn a_size_from_a_file_is_one_that_a_window_can_have() {
        for (width, height) in [(0.0, 0.0), (f32::NAN, 1e9), (-5.0, f32::INFINITY)] {
            let mut prefs = Prefs::default();
            prefs.set_size(width, height);
            let (width, height) = prefs.size();
            assert!(width >= 320.0 && height >= 200.0 && width <= 16_384.0 && height <= 16_384.0);
        }
    }

    #[test]
    fn spaces_are_hidden_and_shown_by_name() {
        let mut prefs = Prefs::default();
        prefs.set_shown("joy", false);
        prefs.set_shown("joy", false);
        assert!(!prefs.shows("joy") && prefs.shows("excited"));
        prefs.set_shown("joy", true);
        assert_eq!(prefs, Prefs::default());
    }
}
