//! FLAC, its samples as they are.

use super::recordings::{RATE_HZ, SECS, samples};

/// Samples of a frame.
const BLOCK: usize = 4000;

/// A remainder of so many bits by a polynomial, the highest bit first, from 0.
fn crc(bits: u32, polynomial: u32, bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ (u32::from(*byte) << (bits - 8)), |crc, _| {
            let shifted = (crc << 1) & ((1 << bits) - 1);
            if crc >> (bits - 1) == 1 { shifted ^ polynomial } else { shifted }
        })
    })
}

/// The recording of three seconds; the length in its header left open where not `told`.
pub fn flac(told: bool) -> Vec<u8> {
    let total = if told { (SECS * f64::from(RATE_HZ)) as u64 } else { 0 };
    let rate_channels_bits_total = (u64::from(RATE_HZ) << 44) | (15 << 36) | total;
    let mut flac = b"fLaC\0\0\0\x22".to_vec();
    flac.extend([(BLOCK as u16).to_be_bytes(); 2].concat());
    flac.extend([0; 6]);
    flac.extend(rate_channels_bits_total.to_be_bytes());
    flac.extend([0; 16]);
    // A last block of padding.
    flac.extend(b"\x81\0\0\x04\0\0\0\0");
    for (n, block) in samples().chunks(2 * BLOCK).enumerate() {
        let mut frame = vec![0xff, 0xf8, 0x70, 0x08, n as u8];
        frame.extend((block.len() as u16 / 2 - 1).to_be_bytes());
        frame.push(crc(8, 0x07, &frame) as u8);
        frame.push(0x02);
        frame.extend(block.chunks(2).flat_map(|sample| [sample[1], sample[0]]));
        frame.extend((crc(16, 0x8005, &frame) as u16).to_be_bytes());
        flac.extend(frame);
    }
    flac
}
