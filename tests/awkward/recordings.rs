//! Recordings: WAVE in its coats and AIFF, right and wrong.

/// Rate of the samples, Hz, and seconds of them.
pub const RATE_HZ: u32 = 8000;
pub const SECS: f64 = 3.0;

/// Bytes of a second: mono, 16 bits.
const BYTES_PER_SEC: u32 = 2 * RATE_HZ;

/// Samples of a tone, 16 bits, of which no two bytes are zero for long.
pub fn samples() -> Vec<u8> {
    tone(SECS).flat_map(i16::to_le_bytes).collect()
}

fn tone(secs: f64) -> impl Iterator<Item = i16> {
    (0..(secs * f64::from(RATE_HZ)) as u32).map(|n| {
        let phase = std::f64::consts::TAU * 440.0 * f64::from(n) / f64::from(RATE_HZ);
        (phase.sin() * 16_000.0) as i16 | 1
    })
}

/// A chunk of WAVE, padded.
pub fn chunk(id: &[u8; 4], size: u32, body: &[u8]) -> Vec<u8> {
    let mut chunk = [id.as_slice(), &size.to_le_bytes(), body].concat();
    chunk.extend(&[0][..body.len() % 2]);
    chunk
}

/// A format chunk's body for such samples.
pub fn format(tag: u16, channels: u16) -> Vec<u8> {
    let block = channels.wrapping_mul(2);
    let mut body = [tag.to_le_bytes(), channels.to_le_bytes()].concat();
    body.extend(RATE_HZ.to_le_bytes());
    body.extend((RATE_HZ * u32::from(block)).to_le_bytes());
    body.extend(block.to_le_bytes());
    body.extend(16_u16.to_le_bytes());
    body
}

pub fn fmt() -> Vec<u8> {
    chunk(b"fmt ", 16, &format(1, 1))
}

/// A WAVE file with whatever sizes in its header.
pub fn wave(riff: u32, chunks: &[Vec<u8>]) -> Vec<u8> {
    [b"RIFF".as_slice(), &riff.to_le_bytes(), b"WAVE", &chunks.concat()].concat()
}

/// A WAVE file whose data chunk says that it has so many bytes.
pub fn wave_of(data_bytes: u32) -> Vec<u8> {
    let data = chunk(b"data", data_bytes, &samples());
    wave(data_bytes.saturating_add(36), &[fmt(), data])
}

/// A right one.
pub fn right() -> Vec<u8> {
    wave_of(samples().len() as u32)
}

pub fn crashed() -> Vec<u8> {
    let mut wave = wave_of(0);
    wave[4..8].fill(0);
    wave
}

pub fn updated_now_and_then() -> Vec<u8> {
    wave_of(BYTES_PER_SEC)
}

pub fn a_little_long() -> Vec<u8> {
    wave_of(samples().len() as u32 + 100)
}

pub fn much_too_long() -> Vec<u8> {
    wave_of(samples().len() as u32 + 7 * BYTES_PER_SEC)
}

pub fn cut_off() -> Vec<u8> {
    let mut wave = right();
    wave.truncate(44 + 2 * BYTES_PER_SEC as usize);
    wave
}

pub fn streamed() -> Vec<u8> {
    let list = chunk(b"LIST", 10, b"INFOISFT\0\0");
    wave(u32::MAX, &[fmt(), list, chunk(b"data", u32::MAX, &samples())])
}

pub fn trailing_chunk() -> Vec<u8> {
    let data = chunk(b"data", samples().len() as u32, &samples());
    let list = chunk(b"LIST", 4000, &[b"INFOICMT".as_slice(), &[0x41; 3992]].concat());
    wave(0, &[fmt(), data, list])
}

pub fn overrunning_list() -> Vec<u8> {
    let list = chunk(b"LIST", 900_000, b"INFOIART\x04\0\0\0me\0\0");
    let data = chunk(b"data", samples().len() as u32, &samples());
    wave(samples().len() as u32 + 64, &[fmt(), list, data])
}

pub fn list_into_data() -> Vec<u8> {
    let list = chunk(b"LIST", 501, b"INFOIART\x04\0\0\0me\0\0");
    let data = chunk(b"data", samples().len() as u32, &samples());
    wave(samples().len() as u32 + 64, &[fmt(), list, data])
}

pub fn format_of_20() -> Vec<u8> {
    let fmt = chunk(b"fmt ", 20, &[format(1, 1), vec![0; 4]].concat());
    wave(samples().len() as u32 + 40, &[fmt, chunk(b"data", samples().len() as u32, &samples())])
}

pub fn format_of_17() -> Vec<u8> {
    let fmt = chunk(b"fmt ", 17, &[format(1, 1), vec![0]].concat());
    wave(samples().len() as u32 + 40, &[fmt, chunk(b"data", samples().len() as u32, &samples())])
}

pub fn format_in_the_old_way() -> Vec<u8> {
    let fmt = chunk(b"fmt ", 50, &[format(1, 1), vec![0; 34]].concat());
    wave(samples().len() as u32 + 70, &[fmt, chunk(b"data", samples().len() as u32, &samples())])
}

/// RF64 or BW64, with the length in a chunk of its own.
fn long(id: &[u8; 4], data_bytes: u64) -> Vec<u8> {
    let sizes = [(data_bytes + 72).to_le_bytes(), data_bytes.to_le_bytes(), [0; 8]].concat();
    let ds64 = chunk(b"ds64", 28, &[sizes, vec![0; 4]].concat());
    let mut wave = wave(u32::MAX, &[ds64, fmt(), chunk(b"data", u32::MAX, &samples())]);
    wave[..4].copy_from_slice(id);
    wave
}

pub fn rf64() -> Vec<u8> {
    long(b"RF64", samples().len() as u64)
}

pub fn bw64() -> Vec<u8> {
    long(b"BW64", samples().len() as u64)
}

pub fn rf64_cut_off() -> Vec<u8> {
    long(b"RF64", samples().len() as u64 + 2 * u64::from(BYTES_PER_SEC))
}

pub fn wave64() -> Vec<u8> {
    wave64_of(&[(b"fmt ", format(1, 1)), (b"data", samples())])
}

/// With what an editor keeps behind the samples.
pub fn wave64_with_levels() -> Vec<u8> {
    let levels = (0..4000_u32).map(|n| ((n * n) >> 3) as u8).collect();
    wave64_of(&[(b"fmt ", format(1, 1)), (b"data", samples()), (b"levl", levels)])
}

fn wave64_of(chunks: &[(&[u8; 4], Vec<u8>)]) -> Vec<u8> {
    const TAIL: &[u8] = b"\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a";
    let chunk = |(id, body): &(&[u8; 4], Vec<u8>)| {
        let mut chunk = [*id, TAIL, &(body.len() as u64 + 24).to_le_bytes(), body].concat();
        chunk.resize(chunk.len().next_multiple_of(8), 0);
        chunk
    };
    let chunks: Vec<u8> = chunks.iter().flat_map(chunk).collect();
    let riff = b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00";
    let length = (40 + chunks.len() as u64).to_le_bytes();
    [riff.as_slice(), &length, b"wave", TAIL, &chunks].concat()
}

/// 5.1 with a mask that says so.
pub fn surround() -> Vec<u8> {
    let mut body = format(0xfffe, 6);
    body.extend(22_u16.to_le_bytes());
    body.extend(16_u16.to_le_bytes());
    body.extend(0x3f_u32.to_le_bytes());
    body.extend(b"\x01\0\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71");
    let data = chunk(b"data", samples().len() as u32, &samples());
    wave(samples().len() as u32 + 60, &[chunk(b"fmt ", 40, &body), data])
}

/// AIFF with the length that its form, its chunk and its frames claim.
fn aiff_of(form: u32, sound: u32, frames: u32) -> Vec<u8> {
    let big: Vec<u8> = tone(SECS).flat_map(i16::to_be_bytes).collect();
    // 8000 as a number of 80 bits: 0x400b, then the fraction.
    let rate = b"\x40\x0b\xfa\0\0\0\0\0\0\0";
    let common = [&[0, 1], frames.to_be_bytes().as_slice(), &[0, 16], rate].concat();
    let common = [b"COMM".as_slice(), &18_u32.to_be_bytes(), &common].concat();
    let sound = [b"SSND".as_slice(), &sound.to_be_bytes(), &[0; 8], &big].concat();
    [b"FORM".as_slice(), &form.to_be_bytes(), b"AIFF", &common, &sound].concat()
}

const AIFF_BYTES: u32 = (SECS * 2.0 * RATE_HZ as f64) as u32;

pub fn aiff() -> Vec<u8> {
    aiff_of(AIFF_BYTES + 46, AIFF_BYTES + 8, AIFF_BYTES / 2)
}

pub fn aiff_too_long() -> Vec<u8> {
    aiff_of(AIFF_BYTES + 46 + 5000, AIFF_BYTES + 8, AIFF_BYTES / 2)
}

pub fn aiff_crashed() -> Vec<u8> {
    aiff_of(0, 0, 0)
}

pub fn aiff_cut_off() -> Vec<u8> {
    let mut aiff = aiff();
    aiff.truncate(aiff.len() - 2 * RATE_HZ as usize);
    aiff
}

/// Little-endian samples of more bits than any number has, in 26 channels: what is made of both
/// does not fit into 16 bits.
pub fn aiff_of_absurd_width() -> Vec<u8> {
    let mut aiff = aiff_of(AIFF_BYTES + 46, AIFF_BYTES + 8, AIFF_BYTES / 2);
    let common = [&[0, 26], [1, 0, 0, 0].as_slice(), &[0xff; 2]].concat();
    aiff[20..20 + common.len()].copy_from_slice(&common);
    aiff[8..12].copy_from_slice(b"AIFC");
    aiff[16..20].copy_from_slice(&22_u32.to_be_bytes());
    aiff.splice(38..38, *b"sowt");
    aiff
}

pub fn very_many_channels() -> Vec<u8> {
    let fmt = chunk(b"fmt ", 16, &format(1, 65_535));
    wave(u32::MAX, &[fmt, chunk(b"data", u32::MAX, &samples())])
}

pub fn no_rate() -> Vec<u8> {
    let mut body = format(1, 1);
    body[4..8].fill(0);
    wave(0, &[chunk(b"fmt ", 16, &body), chunk(b"data", 0, &samples())])
}

pub fn terabytes() -> Vec<u8> {
    long(b"RF64", 1 << 50)
}

pub fn in_a_wave(tag: u16, data: &[u8]) -> Vec<u8> {
    wave(0, &[chunk(b"fmt ", 16, &format(tag, 2)), chunk(b"data", data.len() as u32, data)])
}
