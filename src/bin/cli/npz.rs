//! `.npz` archives, as numpy reads them.

use std::fmt::Display;
use std::path::Path;

use npyz::npz::NpzWriter;
use npyz::zip::write::FileOptions;
use npyz::{AutoSerialize, DType, WriterBuilder};

use crate::out::Sink;

/// An archive being written.
pub struct Npz(NpzWriter<Sink>);

impl Npz {
    /// Begins the archive at `path`; nothing is there before [`Npz::finish`].
    pub fn create(path: &Path) -> anyhow::Result<Self> {
        Ok(Self(NpzWriter::new(Sink::seekable(path)?)))
    }

    /// Ends the archive: it takes its place.
    pub fn finish(mut self) -> anyhow::Result<()> {
        self.0.zip_writer().finish().map_err(once)?.finish()
    }

    /// Adds an array of numbers of any shape, `[]` for a scalar.
    pub fn numbers<T: AutoSerialize + Copy>(
        &mut self,
        name: &str,
        shape: &[u64],
        values: impl IntoIterator<Item = T>,
    ) -> anyhow::Result<()> {
        let array = self.0.array::<T>(name, options()).map_err(once)?;
        let mut array = array.default_dtype().shape(shape).begin_nd()?;
        array.extend(values)?;
        Ok(array.finish()?)
    }

    /// Adds a one-dimensional array of texts.
    pub fn texts(&mut self, name: &str, texts: &[String]) -> anyhow::Result<()> {
        let longest = texts.iter().map(|text| text.chars().count()).max().unwrap_or(0).max(1);
        let dtype = DType::Plain(format!("<U{longest}").parse()?);
        let array = self.0.array::<str>(name, options()).map_err(once)?;
        let mut array = array.dtype(dtype).shape(&[texts.len() as u64]).begin_nd()?;
        for text in texts {
            array.push(text.as_str())?;
        }
        Ok(array.finish()?)
    }
}

/// An error in words alone: those of the archive repeat what they stand for.
fn once(why: impl Display) -> anyhow::Error {
    anyhow::anyhow!("{why}")
}

/// Stored, not deflated: spectral features hardly shrink, and writing stays fast. Large archives
/// are allowed.
fn options() -> FileOptions {
    FileOptions::default().compression_method(npyz::zip::CompressionMethod::Stored).large_file(true)
}
