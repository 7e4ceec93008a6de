//! Paints the editor without a display: egui's triangles, filled in plain Rust.
//!
//! Slow and exact enough to look at and to test; needs neither GPU, GL nor a window.

// Each test binary and example uses its own part of this.
#![allow(dead_code)]

use std::collections::HashMap;

use egui::epaint::{ImageDelta, Mesh, Primitive, Vertex};
use egui::{
    Color32, ColorImage, Context, FullOutput, ImageData, Pos2, RawInput, Rect, TextureId,
    TexturesDelta, Ui, Vec2,
};
use image::{Rgb, RgbImage};

/// One frame of a window of `size` points at `scale` pixels a point, as `show` fills it.
pub fn paint(size: Vec2, scale: f32, show: impl FnMut(&mut Ui)) -> RgbImage {
    frame(&Context::default(), size, scale, show).0
}

/// The same in a context of the caller's, with everything else that egui has to say.
pub fn frame(
    context: &Context,
    size: Vec2,
    scale: f32,
    mut show: impl FnMut(&mut Ui),
) -> (RgbImage, FullOutput) {
    context.set_pixels_per_point(scale);
    let input = || RawInput {
        screen_rect: Some(Rect::from_min_size(Pos2::ZERO, size)),
        ..RawInput::default()
    };
    let mut textures = Textures::default();
    // In the first pass the scale is not yet in force.
    let mut first = context.run_ui(input(), |ui| show(ui));
    textures.update(&mut first.textures_delta);
    let mut output = context.run_ui(input(), |ui| show(ui));
    textures.update(&mut output.textures_delta);
    let picture = textures.paint(context, &output, size, scale);
    (picture, output)
}

/// What egui has had uploaded so far.
#[derive(Default)]
pub struct Textures(HashMap<TextureId, ColorImage>);

impl Textures {
    /// Takes what is new.
    pub fn update(&mut self, delta: &mut TexturesDelta) {
        for (id, deltas) in delta.set.drain() {
            deltas.iter().for_each(|delta| self.set(id, delta));
        }
        delta.free.clear();
    }

    /// The picture of `output` in a window of `size` points at `scale` pixels a point.
    pub fn paint(
        &self,
        context: &Context,
        output: &FullOutput,
        size: Vec2,
        scale: f32,
    ) -> RgbImage {
        let (width, height) = ((size.x * scale) as u32, (size.y * scale) as u32);
        let mut picture = RgbImage::new(width, height);
        for primitive in context.tessellate(output.shapes.clone(), scale) {
            let Primitive::Mesh(mesh) = primitive.primitive else { continue };
            let Some(texture) = self.0.get(&mesh.texture_id) else { continue };
            fill(&mut picture, &mesh, texture, primitive.clip_rect, scale);
        }
        picture
    }

    fn set(&mut self, id: TextureId, delta: &ImageDelta) {
        let ImageData::Color(patch) = &delta.image;
        let Some([left, top]) = delta.pos else {
            self.0.insert(id, patch.as_ref().clone());
            return;
        };
        let Some(whole) = self.0.get_mut(&id) else { return };
        let stride = whole.size[0];
        for (y, row) in patch.pixels.chunks_exact(patch.size[0]).enumerate() {
            let start = (top + y) * stride + left;
            whole.pixels[start..start + row.len()].copy_from_slice(row);
        }
    }
}

fn fill(picture: &mut RgbImage, mesh: &Mesh, texture: &ColorImage, clip: Rect, scale: f32) {
    let bounds =
        Rect::from_min_max(Pos2::ZERO, Pos2::new(picture.width() as f32, picture.height() as f32));
    let clip = (clip * scale).intersect(bounds);
    for corners in mesh.indices.chunks_exact(3) {
        let corner = |i: usize| mesh.vertices[corners[i] as usize];
        triangle(picture, [corner(0), corner(1), corner(2)], texture, clip, scale);
    }
}

fn triangle(
    picture: &mut RgbImage,
    mut corners: [Vertex; 3],
    texture: &ColorImage,
    clip: Rect,
    scale: f32,
) {
    let at = |corner: &Vertex| (corner.pos.to_vec2() * scale).to_pos2();
    if cross(at(&corners[1]) - at(&corners[0]), at(&corners[2]) - at(&corners[0])) < 0.0 {
        corners.swap(1, 2);
    }
    let [a, b, c] = [at(&corners[0]), at(&corners[1]), at(&corners[2])];
    let area = cross(b - a, c - a);
    let around = Rect::from_points(&[a, b, c]).intersect(clip);
    if area == 0.0 || !around.is_positive() {
        return;
    }
    for y in around.top().floor() as u32..(around.bottom().ceil() as u32).min(picture.height()) {
        for x in around.left().floor() as u32..(around.right().ceil() as u32).min(picture.width()) {
            let point = Pos2::new(x as f32 + 0.5, y as f32 + 0.5);
            let parts = [part(b, c, point), part(c, a, point), part(a, b, point)];
            if clip.contains(point) && parts.iter().all(Option::is_some) {
                let weights = parts.map(|part| part.unwrap_or_default() / area);
                blend(picture.get_pixel_mut(x, y), shade(&corners, weights, texture));
            }
        }
    }
}

/// Twice the area between `point` and the edge; none outside. A point on an edge belongs to the
/// triangle right of or below it, so that of two triangles that share the edge only one paints it.
fn part(from: Pos2, to: Pos2, point: Pos2) -> Option<f32> {
    let (edge, area) = (to - from, cross(to - from, point - from));
    let is_top_or_left = edge.y < 0.0 || (edge.y == 0.0 && edge.x > 0.0);
    (area > 0.0 || (area == 0.0 && is_top_or_left)).then_some(area)
}

/// Premultiplied colour of a point inside a triangle, each channel 0 to 1.
fn shade(corners: &[Vertex; 3], weights: [f32; 3], texture: &ColorImage) -> [f32; 4] {
    let mut colour = [0.0; 4];
    let mut uv = Vec2::ZERO;
    for (corner, weight) in corners.iter().zip(weights) {
        uv += weight * corner.uv.to_vec2();
        for (sum, byte) in colour.iter_mut().zip(corner.color.to_array()) {
            *sum += weight * f32::from(byte) / 255.0;
        }
    }
    let texel = sample(texture, uv);
    std::array::from_fn(|i| colour[i] * texel[i])
}

/// Bilinear.
fn sample(texture: &ColorImage, uv: Vec2) -> [f32; 4] {
    let [width, height] = texture.size;
    let at = uv * Vec2::new(width as f32, height as f32) - Vec2::splat(0.5);
    let (x, y) = (at.x.floor(), at.y.floor());
    let texel = |dx: f32, dy: f32| -> Color32 {
        let column = ((x + dx).max(0.0) as usize).min(width - 1);
        let row = ((y + dy).max(0.0) as usize).min(height - 1);
        texture.pixels[row * width + column]
    };
    let mut mixed = [0.0; 4];
    for (dx, dy) in [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0)] {
        let weight = (1.0 - (at.x - x - dx).abs()) * (1.0 - (at.y - y - dy).abs());
        for (sum, byte) in mixed.iter_mut().zip(texel(dx, dy).to_array()) {
            *sum += weight * f32::from(byte) / 255.0;
        }
    }
    mixed
}

fn blend(pixel: &mut Rgb<u8>, colour: [f32; 4]) {
    for (byte, over) in pixel.0.iter_mut().zip(colour) {
        let under = f32::from(*byte) / 255.0;
        *byte = (255.0 * (over + under * (1.0 - colour[3])).clamp(0.0, 1.0)).round() as u8;
    }
}

fn cross(a: Vec2, b: Vec2) -> f32 {
    a.x * b.y - a.y * b.x
}
