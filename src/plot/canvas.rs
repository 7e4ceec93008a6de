//! Where the picture is painted: lines, areas and text in points, on a canvas of `SUPERSAMPLING`²
//! pixels a point.
//!
//! plotters' bitmap backend paints polygons without anti-aliasing and places each letter on a whole
//! pixel; painting large and averaging down makes both smooth. Lines are painted piece by piece
//! with round joins, since its mitred ones shoot out at sharp corners.

use std::io::{Read, Write};

use plotters::element::{Drawable, PointCollection};
use plotters::prelude::*;
use plotters::style::register_font;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::{PlotError, Result};

/// Painted pixels per pixel of the picture, along each side.
const SUPERSAMPLING: u32 = 3;

/// Name under which the typeface is registered with plotters.
const TYPEFACE: &str = "moodring";

/// How far below plotters' idea of the middle of a line its lower-case letters lie, as a part of
/// the text's size (measured on a plot).
const OPTICAL_MIDDLE: f64 = 0.15;

/// The note in every picture that says who painted it, by which it is known again.
const SOFTWARE_KEY: &str = "Software";
const SOFTWARE: &str = "Moodring";

/// Whether `file` holds a picture that [`Canvas::write_png`] wrote.
#[must_use]
pub fn is_ours(file: impl Read) -> bool {
    png::Decoder::new(file).read_info().is_ok_and(|reader| {
        let notes = &reader.info().uncompressed_latin1_text;
        notes.iter().any(|note| note.keyword == SOFTWARE_KEY && note.text == SOFTWARE)
    })
}

/// Where a text sits relative to its point.
#[derive(Clone, Copy)]
pub enum Align {
    /// The text begins at the point.
    Left,
    /// The text is centred on the point.
    Centre,
    /// The text ends at the point.
    Right,
}

/// Size and colour of a text.
#[derive(Clone, Copy)]
pub struct TextLook {
    /// Height, pixels of the picture.
    pub size: f64,
    /// Its colour.
    pub colour: RGBColor,
    /// Where it sits.
    pub align: Align,
}

/// A picture being painted; all coordinates are pixels of the finished picture, y downwards.
pub struct Canvas {
    width: u32,
    height: u32,
    pixels: Vec<u8>,
}

impl Canvas {
    /// A canvas filled with `background`.
    ///
    /// # Errors
    /// If the typeface cannot be registered.
    pub fn new(width: u32, height: u32, background: RGBColor) -> Result<Self> {
        register_font(TYPEFACE, FontStyle::Normal, epaint_default_fonts::UBUNTU_LIGHT)
            .map_err(|_| PlotError::Typeface)?;
        let n_pixels = (width * SUPERSAMPLING) as usize * (height * SUPERSAMPLING) as usize;
        let pixels = [background.0, background.1, background.2].repeat(n_pixels);
        Ok(Self { width, height, pixels })
    }

    /// Fills the rectangle between two corners.
    pub fn rectangle(
        &mut self,
        from: (f64, f64),
        to: (f64, f64),
        colour: &impl Color,
    ) -> Result<()> {
        self.paint(&Rectangle::new([large(from), large(to)], colour.filled()))
    }

    /// Fills a polygon.
    pub fn area(&mut self, corners: &[(f64, f64)], colour: &impl Color) -> Result<()> {
        let corners: Vec<_> = corners.iter().copied().map(large).collect();
        self.paint(&Polygon::new(corners, colour.filled()))
    }

    /// Strokes a polyline with round joins and ends; `colour` is opaque, since the pieces overlap.
    pub fn line(&mut self, points: &[(f64, f64)], width: f64, colour: RGBColor) -> Result<()> {
        for pair in points.windows(2) {
            self.piece(pair[0], pair[1], width, colour)?;
        }
        let radius = (width * f64::from(SUPERSAMPLING) / 2.0).round() as i32;
        points
            .iter()
            .filter(|_| radius > 2)
            .try_for_each(|&point| self.paint(&Circle::new(large(point), radius, colour.filled())))
    }

    /// Writes one line of text, its middle at the height of `at`.
    pub fn text(&mut self, text: &str, at: (f64, f64), look: TextLook) -> Result<()> {
        let horizontal = match look.align {
            Align::Left => HPos::Left,
            Align::Centre => HPos::Center,
            Align::Right => HPos::Right,
        };
        let style = style(look.size).color(&look.colour).pos(Pos::new(horizontal, VPos::Center));
        let at = (at.0, at.1 + OPTICAL_MIDDLE * look.size);
        self.paint(&Text::new(text.to_owned(), large(at), style))
    }

    /// Width of `text` at `size`, pixels of the picture.
    pub fn text_width(text: &str, size: f64) -> Result<f64> {
        let measured = style(size).font.box_size(text);
        let (width, _) = measured.map_err(|_| PlotError::Typeface)?;
        Ok(f64::from(width) / f64::from(SUPERSAMPLING))
    }

    /// Averages down to the finished size and writes a PNG into `file`.
    ///
    /// # Errors
    /// If `file` cannot be written.
    pub fn write_png(&self, file: impl Write) -> Result<()> {
        let mut encoder = png::Encoder::new(file, self.width, self.height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.add_text_chunk(SOFTWARE_KEY.to_owned(), SOFTWARE.to_owned())?;
        let mut image = encoder.write_header()?;
        image.write_image_data(&self.averaged())?;
        Ok(image.finish()?)
    }

    fn paint<E>(&mut self, element: &E) -> Result<()>
    where
        for<'b> &'b E: PointCollection<'b, (i32, i32)>,
        for<'b> E: Drawable<BitMapBackend<'b>>,
    {
        let size = (self.width * SUPERSAMPLING, self.height * SUPERSAMPLING);
        let area = BitMapBackend::with_buffer(&mut self.pixels, size).into_drawing_area();
        area.draw(element).map_err(|error| PlotError::Paint(error.to_string()))
    }

    /// One straight piece of a line, as the rectangle around it.
    fn piece(
        &mut self,
        from: (f64, f64),
        to: (f64, f64),
        width: f64,
        colour: RGBColor,
    ) -> Result<()> {
        let (dx, dy) = (to.0 - from.0, to.1 - from.1);
        let length = dx.hypot(dy);
        if length == 0.0 {
            return Ok(());
        }
        let (nx, ny) = (-dy / length * width / 2.0, dx / length * width / 2.0);
        let corners = [
            (from.0 + nx, from.1 + ny),
            (to.0 + nx, to.1 + ny),
            (to.0 - nx, to.1 - ny),
            (from.0 - nx, from.1 - ny),
        ];
        self.area(&corners, &colour)
    }

    fn averaged(&self) -> Vec<u8> {
        let (side, row) = (SUPERSAMPLING as usize, (self.width * SUPERSAMPLING) as usize);
        let mut small = Vec::with_capacity((self.width * self.height) as usize * 3);
        for y in 0..self.height as usize {
            for x in 0..self.width as usize {
                for channel in 0..3 {
                    let block =
                        (0..side * side).map(|i| (y * side + i / side) * row + x * side + i % side);
                    let sum: usize = block.map(|i| usize::from(self.pixels[i * 3 + channel])).sum();
                    // The average of bytes is a byte.
                    small.push((sum / (side * side)) as u8);
                }
            }
        }
        small
    }
}

fn style(size: f64) -> TextStyle<'static> {
    (TYPEFACE, size * f64::from(SUPERSAMPLING)).into_font().into()
}

/// A point of the finished picture on the large canvas.
fn large(point: (f64, f64)) -> (i32, i32) {
    let scale = f64::from(SUPERSAMPLING);
    ((point.0 * scale).round() as i32, (point.1 * scale).round() as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_known_again() {
        let mut ours = Vec::new();
        Canvas::new(4, 4, WHITE).unwrap().write_png(&mut ours).unwrap();
        assert!(is_ours(ours.as_slice()));
        let mut others = Vec::new();
        let mut encoder = png::Encoder::new(&mut others, 1, 1).write_header().unwrap();
        encoder.write_image_data(&[0]).unwrap();
        encoder.finish().unwrap();
        assert!(!is_ours(others.as_slice()));
        assert!(!is_ours(&ours[..20]));
        assert!(!is_ours(&b"no picture"[..]));
    }
}
