//! A picture of how the mood went: one panel per label space, its share over time, sections marked.
//!
//! What is certain is solid, what is provisional (less than ten seconds heard) dashed and paler,
//! silence a gap. Poles are told apart by place and name first and by colour second, with colours
//! that stay distinct to colour-blind eyes (Okabe and Ito 2008, darkened for contrast on a light
//! ground).

pub mod canvas;
pub mod curve;

use std::io;
use std::path::{Path, PathBuf};

use plotters::style::{Color, RGBColor};

use self::canvas::{Align, Canvas, TextLook};
use self::curve::{Run, averaged, dashes, runs, sides, silences};
use crate::files::whole::WholeFile;
use crate::model::space::LabelSpace;
use crate::reading::Reading;
use crate::units::{clock, round_step_secs};

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlotError {
    /// The model has nothing that could be drawn.
    #[error("nothing to plot: the model names no label space")]
    NoSpaces,
    /// The typeface that is built in cannot be used.
    #[error("the built-in typeface is damaged")]
    Typeface,
    /// Something cannot be painted, in the words of whatever paints.
    #[error("cannot paint the plot: {0}")]
    Paint(String),
    /// The picture cannot be written to where it should go.
    #[error(transparent)]
    Encode(#[from] png::EncodingError),
    /// Its file cannot be written.
    #[error("cannot write the plot to {}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        error: Box<PlotError>,
    },
}

impl From<io::Error> for PlotError {
    fn from(error: io::Error) -> Self {
        Self::Encode(error.into())
    }
}

/// What a picture, or a part of it, comes to.
pub type Result<T> = std::result::Result<T, PlotError>;

/// A named part of the piece, drawn as a tinted band.
#[derive(Clone, Debug, PartialEq)]
pub struct Section {
    /// Where it begins, seconds.
    pub start_secs: f64,
    /// Where it ends, seconds.
    pub end_secs: f64,
    /// What it is called, e.g. "calm, sad".
    pub name: String,
}

/// Size of the picture, pixels.
pub const WIDTH: u32 = 1600;
/// See [`WIDTH`].
pub const HEIGHT: u32 = 900;

/// Edges of the panels, pixels.
const LEFT: f64 = 190.0;
const RIGHT: f64 = WIDTH as f64 - 48.0;
const TOP: f64 = 168.0;
const BOTTOM: f64 = HEIGHT as f64 - 84.0;

/// Space between panels, pixels.
const PANEL_GAP: f64 = 36.0;

/// Sizes of text, pixels.
const TITLE_SIZE: f64 = 44.0;
const POLE_SIZE: f64 = 32.0;
const SECTION_SIZE: f64 = 25.0;
const LABEL_SIZE: f64 = 22.0;

/// Height at which words stand inside a panel, as a share: clear of the ambiguous band and of every
/// grid line.
const WORDS_SHARE: f64 = 0.64;

/// Width of the curve and length of the dashes of its provisional part, pixels.
const CURVE_WIDTH: f64 = 4.5;
const DASH_ON: f64 = 13.0;
const DASH_OFF: f64 = 11.0;

/// Readings over the width of the curve from which on it shows their mean: in a set of hours the
/// curve would be a band.
const MOST_READINGS_PER_WIDTH: f64 = 8.0;

const PAPER: RGBColor = RGBColor(0xfb, 0xfa, 0xf7);
const PANEL: RGBColor = RGBColor(0xff, 0xff, 0xff);
const TINT: RGBColor = RGBColor(0xf3, 0xf1, 0xeb);
const INK: RGBColor = RGBColor(0x22, 0x26, 0x2e);
const FAINT_INK: RGBColor = RGBColor(0x5d, 0x64, 0x70);
const GRID: RGBColor = RGBColor(0xdf, 0xdc, 0xd5);
const MIDDLE: RGBColor = RGBColor(0x8a, 0x8f, 0x99);

/// Colours of the first and second pole of each panel in turn.
const POLES: [(RGBColor, RGBColor); 2] = [
    (RGBColor(0xc4, 0x4e, 0x00), RGBColor(0x00, 0x68, 0xa8)),
    (RGBColor(0xa8, 0x70, 0x00), RGBColor(0x7a, 0x45, 0xa8)),
];

/// Writes a PNG of 1600 × 900 pixels to `path`, whole or not at all: for each of `spaces` the share
/// of its first pole in `readings` over time.
///
/// # Errors
/// [`PlotError`] where there is no label space, or the file cannot be written.
pub fn plot_readings(
    path: &Path,
    title: &str,
    spaces: &[LabelSpace],
    readings: &[Reading],
    sections: &[Section],
) -> Result<()> {
    let canvas = paint_readings(title, spaces, readings, sections)?;
    let write = || -> Result<()> {
        let mut file = WholeFile::create(path)?;
        canvas.write_png(&mut file)?;
        Ok(file.finish()?)
    };
    write().map_err(|error| PlotError::File { path: path.to_owned(), error: error.into() })
}

/// The picture that [`plot_readings`] writes.
///
/// # Errors
/// [`PlotError`] where there is no label space.
pub fn paint_readings(
    title: &str,
    spaces: &[LabelSpace],
    readings: &[Reading],
    sections: &[Section],
) -> Result<Canvas> {
    if spaces.is_empty() {
        return Err(PlotError::NoSpaces);
    }
    let mut canvas = Canvas::new(WIDTH, HEIGHT, PAPER)?;
    let time = TimeAxis::around(readings, sections);
    let mean_secs = time.mean_secs(readings.len());
    let means = mean_secs.map(|secs| averaged(readings, secs));
    let readings = means.as_deref().unwrap_or(readings);
    header(&mut canvas, title)?;
    for (index, space) in spaces.iter().enumerate() {
        let half_width = f64::from(space.ambiguous_half_width);
        let panel = Panel { half_width, ..Panel::new(index, spaces.len(), time) };
        panel.ground(&mut canvas, sections)?;
        panel.poles(&mut canvas, space)?;
        panel.curve(&mut canvas, readings)?;
    }
    section_names(&mut canvas, time, sections)?;
    time_labels(&mut canvas, time, mean_secs)?;
    Ok(canvas)
}

/// The stretch of time that the panels show.
#[derive(Clone, Copy)]
struct TimeAxis {
    start_secs: f64,
    end_secs: f64,
}

impl TimeAxis {
    /// All readings and sections, from zero where that costs little room.
    fn around(readings: &[Reading], sections: &[Section]) -> Self {
        let times = readings.iter().map(|reading| reading.time_secs);
        let edges = sections.iter().flat_map(|section| [section.start_secs, section.end_secs]);
        let (mut start_secs, mut end_secs) = times
            .chain(edges)
            .filter(|secs| secs.is_finite())
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), t| (low.min(t), high.max(t)));
        if end_secs < start_secs {
            (start_secs, end_secs) = (0.0, 0.0);
        }
        if start_secs > 0.0 && start_secs < 0.25 * end_secs {
            start_secs = 0.0;
        }
        Self { start_secs, end_secs: end_secs.max(start_secs + 1.0) }
    }

    fn x(self, secs: f64) -> f64 {
        let part = (secs - self.start_secs) / (self.end_secs - self.start_secs);
        LEFT + part.clamp(0.0, 1.0) * (RIGHT - LEFT)
    }

    /// The stretch of time under the width of the curve, where so many readings fall into it that
    /// it shows their mean, seconds.
    fn mean_secs(self, n_readings: usize) -> Option<f64> {
        let widths = (RIGHT - LEFT) / CURVE_WIDTH;
        let is_crowded = n_readings as f64 > MOST_READINGS_PER_WIDTH * widths;
        is_crowded.then(|| (self.end_secs - self.start_secs) / widths)
    }

    /// Times of the labels and grid lines, seconds.
    fn ticks(self) -> Vec<f64> {
        /// Labels of m:ss that fit side by side with room to breathe.
        const MOST_TICKS: f64 = 13.0;
        let step_secs = round_step_secs((self.end_secs - self.start_secs) / MOST_TICKS);
        let first = (self.start_secs / step_secs).ceil();
        let ticks = (0..).map(|i| (first + f64::from(i)) * step_secs);
        ticks.take_while(|secs| *secs <= self.end_secs + 1e-6).collect()
    }
}

/// One label space's part of the picture.
struct Panel {
    top: f64,
    bottom: f64,
    time: TimeAxis,
    index: usize,
    /// Half width of the ambiguous band.
    half_width: f64,
}

impl Panel {
    fn new(index: usize, n_panels: usize, time: TimeAxis) -> Self {
        let n = n_panels as f64;
        let height = (BOTTOM - TOP - PANEL_GAP * (n - 1.0)) / n;
        let top = TOP + index as f64 * (height + PANEL_GAP);
        Self { top, bottom: top + height, time, index, half_width: 0.0 }
    }

    fn y(&self, share: f64) -> f64 {
        self.bottom - share * (self.bottom - self.top)
    }

    fn colours(&self) -> (RGBColor, RGBColor) {
        POLES[self.index % POLES.len()]
    }

    /// Sections, ambiguous band, grid.
    fn ground(&self, canvas: &mut Canvas, sections: &[Section]) -> Result<()> {
        canvas.rectangle((LEFT, self.top), (RIGHT, self.bottom), &PANEL)?;
        for section in sections.iter().step_by(2) {
            let (from, to) = (self.time.x(section.start_secs), self.time.x(section.end_secs));
            canvas.rectangle((from, self.top), (to, self.bottom), &TINT)?;
        }
        let half = self.half_width;
        canvas.rectangle(
            (LEFT, self.y(0.5 + half)),
            (RIGHT, self.y(0.5 - half)),
            &MIDDLE.mix(0.16),
        )?;
        for secs in self.time.ticks() {
            let x = self.time.x(secs);
            canvas.line(&[(x, self.top), (x, self.bottom)], 1.0, GRID)?;
        }
        for percent in [0.0, 25.0, 50.0, 75.0, 100.0] {
            self.level(canvas, percent)?;
        }
        Ok(())
    }

    fn level(&self, canvas: &mut Canvas, percent: f64) -> Result<()> {
        let y = self.y(percent / 100.0);
        let (width, colour) = if percent == 50.0 { (2.0, MIDDLE) } else { (1.0, GRID) };
        canvas.line(&[(LEFT, y), (RIGHT, y)], width, colour)?;
        let look = TextLook { size: LABEL_SIZE, colour: FAINT_INK, align: Align::Right };
        // The pole names stand at both ends instead.
        if percent > 0.0 && percent < 100.0 {
            canvas.text(&format!("{percent:.0} %"), (LEFT - 16.0, y), look)?;
        }
        Ok(())
    }

    fn poles(&self, canvas: &mut Canvas, space: &LabelSpace) -> Result<()> {
        let (first, second) = self.colours();
        let inset = POLE_SIZE * 0.45;
        for (name, y, colour) in
            [(&space.first, self.top + inset, first), (&space.second, self.bottom - inset, second)]
        {
            let size = fitted(name, POLE_SIZE, LEFT - 40.0)?;
            canvas.text(name, (LEFT - 16.0, y), TextLook { size, colour, align: Align::Right })?;
        }
        Ok(())
    }

    fn curve(&self, canvas: &mut Canvas, readings: &[Reading]) -> Result<()> {
        for (start_secs, end_secs) in silences(readings) {
            self.silence(canvas, start_secs, end_secs)?;
        }
        let runs = runs(readings, self.index);
        for run in &runs {
            self.fill(canvas, run)?;
        }
        for run in &runs {
            self.stroke(canvas, run)?;
        }
        if runs.is_empty() {
            let middle = (0.5 * (LEFT + RIGHT), self.y(WORDS_SHARE));
            let look = TextLook { size: POLE_SIZE, colour: FAINT_INK, align: Align::Centre };
            canvas.text("no music was heard", middle, look)?;
        }
        Ok(())
    }

    fn silence(&self, canvas: &mut Canvas, start_secs: f64, end_secs: f64) -> Result<()> {
        let (from, to) = (self.time.x(start_secs), self.time.x(end_secs));
        if to - from > 1.3 * Canvas::text_width("silence", LABEL_SIZE)? {
            let look = TextLook { size: LABEL_SIZE, colour: FAINT_INK, align: Align::Centre };
            canvas.text("silence", (0.5 * (from + to), self.y(WORDS_SHARE)), look)?;
        }
        Ok(())
    }

    /// Tints the area between the curve and the middle in the colour of the pole that leads.
    fn fill(&self, canvas: &mut Canvas, run: &Run) -> Result<()> {
        let strength = if run.provisional { 0.10 } else { 0.24 };
        for (above, piece) in sides(&run.points, 0.5) {
            let (Some(first), Some(last)) = (piece.first(), piece.last()) else { continue };
            let mut corners = self.place(&piece);
            corners.push((self.time.x(last.0), self.y(0.5)));
            corners.push((self.time.x(first.0), self.y(0.5)));
            canvas.area(&corners, &self.side(above).mix(strength))?;
        }
        Ok(())
    }

    fn stroke(&self, canvas: &mut Canvas, run: &Run) -> Result<()> {
        if run.provisional {
            let placed = self.place(&run.points);
            let middle = self.y(0.5);
            return dashes(&placed, DASH_ON, DASH_OFF).iter().try_for_each(|dash| {
                let colour = paler(self.side(dash.iter().all(|point| point.1 <= middle)));
                canvas.line(dash, CURVE_WIDTH, colour)
            });
        }
        sides(&run.points, 0.5).iter().try_for_each(|(above, piece)| {
            canvas.line(&self.place(piece), CURVE_WIDTH, self.side(*above))
        })
    }

    fn side(&self, above: bool) -> RGBColor {
        let (first, second) = self.colours();
        if above { first } else { second }
    }

    fn place(&self, points: &[(f64, f64)]) -> Vec<(f64, f64)> {
        points.iter().map(|&(secs, share)| (self.time.x(secs), self.y(share))).collect()
    }
}

/// Title, what is shown, and what the line styles mean.
fn header(canvas: &mut Canvas, title: &str) -> Result<()> {
    let size = fitted(title, TITLE_SIZE, RIGHT - 48.0)?;
    canvas.text(title, (48.0, 46.0), TextLook { size, colour: INK, align: Align::Left })?;
    let look = TextLook { size: LABEL_SIZE, colour: FAINT_INK, align: Align::Left };
    canvas.text(
        "share of raters expected to choose each pole, from the last 10 s",
        (48.0, 90.0),
        look,
    )?;
    legend(canvas)
}

fn legend(canvas: &mut Canvas) -> Result<()> {
    const Y: f64 = 90.0;
    const SWATCH: f64 = 52.0;
    let look = TextLook { size: LABEL_SIZE, colour: FAINT_INK, align: Align::Left };
    let mut x = RIGHT;
    let entries =
        [("too close to call", 2), ("provisional: under 10 s heard", 1), ("10 s heard", 0)];
    for (text, kind) in entries {
        x -= Canvas::text_width(text, LABEL_SIZE)?;
        canvas.text(text, (x, Y), look)?;
        x -= SWATCH + 12.0;
        let line = [(x, Y + 1.0), (x + SWATCH, Y + 1.0)];
        match kind {
            0 => canvas.line(&line, CURVE_WIDTH, INK)?,
            1 => dashes(&line, DASH_ON, DASH_OFF)
                .iter()
                .try_for_each(|dash| canvas.line(dash, CURVE_WIDTH, paler(INK)))?,
            _ => canvas.rectangle((x, Y - 9.0), (x + SWATCH, Y + 11.0), &MIDDLE.mix(0.3))?,
        }
        x -= 40.0;
    }
    Ok(())
}

fn section_names(canvas: &mut Canvas, time: TimeAxis, sections: &[Section]) -> Result<()> {
    for section in sections {
        let (from, to) = (time.x(section.start_secs), time.x(section.end_secs));
        let size = fitted(&section.name, SECTION_SIZE, to - from - 12.0)?;
        // A name squeezed smaller than this could not be read anyway.
        if size >= 0.55 * SECTION_SIZE {
            let look = TextLook { size, colour: INK, align: Align::Centre };
            canvas.text(&section.name, (0.5 * (from + to), TOP - 24.0), look)?;
        }
    }
    Ok(())
}

fn time_labels(canvas: &mut Canvas, time: TimeAxis, mean_secs: Option<f64>) -> Result<()> {
    let look = TextLook { size: LABEL_SIZE, colour: FAINT_INK, align: Align::Centre };
    for secs in time.ticks() {
        canvas.text(&clock(secs), (time.x(secs), BOTTOM + 24.0), look)?;
    }
    let means = mean_secs.map(|secs| format!("; every point is the mean of {secs:.0} s"));
    let words = format!("time, min:s{}", means.unwrap_or_default());
    canvas.text(&words, (0.5 * (LEFT + RIGHT), BOTTOM + 56.0), look)
}

/// The largest size up to `size` at which `text` is no wider than `width`.
fn fitted(text: &str, size: f64, width: f64) -> Result<f64> {
    let needed = Canvas::text_width(text, size)?;
    Ok(if needed > width { size * (width / needed).max(0.0) } else { size })
}

/// Half way to the paper: for what is provisional.
fn paler(colour: RGBColor) -> RGBColor {
    let mix = |ink: u8, paper: u8| ink / 2 + paper / 2;
    RGBColor(mix(colour.0, PAPER.0), mix(colour.1, PAPER.1), mix(colour.2, PAPER.2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reading::Phase;

    fn spaces() -> Vec<LabelSpace> {
        vec![LabelSpace::new("excited", "calm", 90.0), LabelSpace::new("joyful", "sad", 0.0)]
    }

    fn reading(time_secs: f64, phase: Phase, shares: [f32; 2]) -> Reading {
        let shares = [shares[0], shares[1], 0.0, 0.0];
        Reading { time_secs, phase, n_spaces: 2, shares, ..Reading::default() }
    }

    /// The picture of `readings`, decoded.
    fn picture(name: &str, readings: &[Reading]) -> image::RgbImage {
        let folder = std::env::temp_dir().join(format!("moodring-plot-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join(name);
        let sections = [Section { start_secs: 0.0, end_secs: 30.0, name: "calm".to_owned() }];
        plot_readings(&path, "A song", &spaces(), readings, &sections).unwrap();
        let picture = image::open(&path).unwrap().to_rgb8();
        std::fs::remove_file(&path).unwrap();
        picture
    }

    fn is(pixel: &image::Rgb<u8>, colour: RGBColor) -> bool {
        pixel.0 == [colour.0, colour.1, colour.2]
    }

    #[test]
    fn the_curve_runs_where_the_shares_are() {
        let readings: Vec<Reading> =
            (50..=300).map(|i| reading(f64::from(i) * 0.2, Phase::Live, [0.9, 0.2])).collect();
        let picture = picture("curve.png", &readings);
        assert_eq!(picture.dimensions(), (WIDTH, HEIGHT));
        let time = TimeAxis::around(&readings, &[]);
        let x = time.x(40.0) as u32;
        let panels = [Panel::new(0, 2, time), Panel::new(1, 2, time)];
        assert!(is(picture.get_pixel(x, panels[0].y(0.9) as u32), POLES[0].0));
        assert!(is(picture.get_pixel(x, panels[1].y(0.2) as u32), POLES[1].1));
        assert!(!is(picture.get_pixel(x, panels[0].y(0.2) as u32), POLES[0].1));
    }

    #[test]
    fn silence_is_a_gap() {
        let phase = |i: i32| if (100..200).contains(&i) { Phase::Silent } else { Phase::Live };
        let readings: Vec<Reading> =
            (0..=300).map(|i| reading(f64::from(i) * 0.2, phase(i), [0.9, 0.9])).collect();
        let picture = picture("silence.png", &readings);
        let time = TimeAxis::around(&readings, &[]);
        let y = Panel::new(0, 2, time).y(0.9) as u32;
        assert!(is(picture.get_pixel(time.x(10.0) as u32, y), POLES[0].0));
        assert!(!is(picture.get_pixel(time.x(30.0) as u32, y), POLES[0].0));
        assert!(is(picture.get_pixel(time.x(50.0) as u32, y), POLES[0].0));
    }

    #[test]
    fn a_provisional_stretch_is_dashed() {
        let readings: Vec<Reading> =
            (5..=50).map(|i| reading(f64::from(i) * 0.2, Phase::Listening, [0.9, 0.9])).collect();
        let picture = picture("dashes.png", &readings);
        let time = TimeAxis::around(&readings, &[]);
        let y = Panel::new(0, 2, time).y(0.9) as u32;
        let row = (time.x(2.0) as u32..time.x(9.0) as u32).map(|x| picture.get_pixel(x, y));
        let drawn: Vec<bool> = row.map(|pixel| is(pixel, paler(POLES[0].0))).collect();
        let edges = drawn.windows(2).filter(|pair| pair[0] != pair[1]).count();
        assert!(edges > 10, "{edges} edges");
    }

    #[test]
    fn no_readings_still_make_a_picture_that_says_so() {
        let picture = picture("none.png", &[]);
        let first = *picture.get_pixel(0, 0);
        assert!(picture.pixels().any(|pixel| *pixel != first));
    }

    #[test]
    fn no_label_space_is_an_error() {
        let path = std::env::temp_dir().join("moodring-never-written.png");
        assert!(plot_readings(&path, "", &[], &[], &[]).is_err());
        assert!(!path.exists());
    }

    #[test]
    fn a_folder_that_does_not_exist_is_named_in_the_error() {
        let path = Path::new("no/such/folder/mood.png");
        let error = plot_readings(path, "", &spaces(), &[], &[]).unwrap_err();
        assert!(format!("{error:#}").contains("no/such/folder/mood.png"));
    }
}
