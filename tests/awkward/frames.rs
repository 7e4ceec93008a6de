//! Frames of mp3 and AAC without any sound in them, in whatever order; Opus in ogg, with a tone.

use std::ops::Range;

use opus_pure::{Application, MAX_PACKET_BYTES, OggOpusWriter, OpusEncoder, OpusHead};

/// Samples of a frame of AAC.
pub const AAC_SAMPLES: u32 = 1024;

/// A frame of mp3 at 128 kbit/s with nothing in it.
fn mp3_frame(rate_hz: u32, channels: u32) -> Vec<u8> {
    let (rate, bytes) = match rate_hz {
        48_000 => (1, 384),
        _ => (0, 417),
    };
    let mode = if channels == 1 { 0xc0 } else { 0 };
    let mut frame = vec![0xff, 0xfb, 0x90 | rate << 2, mode];
    frame.resize(bytes, 0);
    frame
}

/// So many frames of mp3.
pub fn mp3(rate_hz: u32, channels: u32, frames: u32) -> Vec<u8> {
    mp3_frame(rate_hz, channels).repeat(frames as usize)
}

/// A frame that says how many follow it.
pub fn xing(frames: u32) -> Vec<u8> {
    let mut frame = mp3_frame(44_100, 2);
    frame[36..40].copy_from_slice(b"Xing");
    frame[43] = 1;
    frame[44..48].copy_from_slice(&frames.to_be_bytes());
    frame
}

/// A tag with a picture's worth of bytes.
pub fn id3v2(bytes: usize) -> Vec<u8> {
    let size = [21, 14, 7, 0].map(|shift| (bytes >> shift & 0x7f) as u8);
    [b"ID3\x04\0\0".as_slice(), &size, &vec![0xff; bytes]].concat()
}

pub fn id3v1() -> Vec<u8> {
    [b"TAG".as_slice(), &[b'x'; 125]].concat()
}

/// A raw block of AAC with nothing in it.
pub fn aac_block(channels: u32) -> &'static [u8] {
    match channels {
        1 => &[0x00, 0xc8, 0x00, 0x80, 0x23, 0x80],
        _ => &[0x21, 0x00, 0x49, 0x90, 0x02, 0x19, 0x00, 0x23, 0x80],
    }
}

/// So many frames of AAC with headers.
pub fn adts(rate_index: u8, channels: u32, frames: usize) -> Vec<u8> {
    let block = aac_block(channels);
    let bytes = block.len() + 7;
    let mut frame = vec![
        0xff,
        0xf1,
        1 << 6 | rate_index << 2,
        (channels as u8) << 6 | (bytes >> 11) as u8,
        (bytes >> 3) as u8,
        ((bytes & 7) << 5) as u8 | 0x1f,
        0xfc,
    ];
    frame.extend(block);
    frame.repeat(frames)
}

/// A transport stream of AAC frames at 44.1 kHz, one a packet; those whose number is in `lost` left
/// out.
pub fn transport(frames: usize, lost: Range<usize>) -> Vec<u8> {
    let mut stream = Vec::new();
    for n in (0..frames).filter(|n| !lost.contains(n)) {
        let ticks = n as u64 * u64::from(AAC_SAMPLES) * 90_000 / 44_100;
        let time = [
            0x21 | (ticks >> 29) as u8 & 0x0e,
            (ticks >> 22) as u8,
            (ticks >> 14) as u8 | 1,
            (ticks >> 7) as u8,
            (ticks << 1) as u8 | 1,
        ];
        let frame = adts(4, 2, 1);
        let length = (frame.len() + 8) as u16;
        let mut payload = vec![0, 0, 1, 0xc0];
        payload.extend(length.to_be_bytes());
        payload.extend([0x80, 0x80, 5]);
        payload.extend(time);
        payload.extend(frame);
        let stuffing = 184 - payload.len();
        let mut packet = vec![0x47, 0x41, 0x00, 0x30 | (n & 15) as u8, (stuffing - 1) as u8, 0];
        packet.resize(4 + stuffing, 0xff);
        packet.extend(payload);
        assert_eq!(packet.len(), 188);
        stream.extend(packet);
    }
    stream
}

/// Opus in ogg: a tone of so many seconds, in packets of 20 ms.
pub fn opus_tone(secs: f64) -> Vec<u8> {
    let mut encoder = OpusEncoder::new(48_000, 1, Application::Audio).unwrap();
    let head = OpusHead::for_encoder(&encoder, 48_000);
    let mut writer = OggOpusWriter::new(Vec::new(), head).unwrap();
    let mut packet = vec![0; MAX_PACKET_BYTES];
    for n in 0..(secs * 50.0).round() as usize {
        let at = |i: usize| (n * 960 + i) as f32 / 48_000.0;
        let block: Vec<f32> =
            (0..960).map(|i| 0.5 * (std::f32::consts::TAU * 440.0 * at(i)).sin()).collect();
        let bytes = encoder.encode(&block, 960, &mut packet).unwrap();
        writer.write_packet(&packet[..bytes]).unwrap();
    }
    writer.finish().unwrap()
}

/// Such a tone, of which the pages in a part of its time are zeros.
pub fn ogg_with_hole(secs: f64, hole_secs: Range<f64>) -> Vec<u8> {
    let mut ogg = opus_tone(secs);
    let pages: Vec<usize> =
        ogg.windows(4).enumerate().filter(|(_, w)| w == b"OggS").map(|(at, _)| at).collect();
    for (page, at) in pages.iter().enumerate() {
        let granule = u64::from_le_bytes(ogg[at + 6..at + 14].try_into().unwrap());
        let end_secs = granule as f64 / 48_000.0;
        let next = pages.get(page + 1).copied().unwrap_or(ogg.len());
        if page > 1 && end_secs > hole_secs.start && end_secs <= hole_secs.end {
            ogg[*at..next].fill(0);
        }
    }
    ogg
}
