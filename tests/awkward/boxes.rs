//! mp4, box by box.

use crate::awkward::frames::{AAC_SAMPLES, aac_block};

fn mp4_box(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    [&(body.len() as u32 + 8).to_be_bytes(), kind.as_slice(), body].concat()
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

/// AAC in mp4: so many frames without a sound; the rate of the entry, of the configuration (as an
/// index and in Hz).
pub fn m4a(entry_hz: u32, config: &[u8], rate_hz: u32, frames: u32) -> Vec<u8> {
    let block = aac_block(2);
    let descriptor = |tag: u8, body: &[u8]| [&[tag, body.len() as u8], body].concat();
    let specific = descriptor(5, config);
    let decoder = descriptor(4, &[[0x40, 0x15].as_slice(), &[0; 11], &specific].concat());
    let stream = descriptor(3, &[[0, 1, 0].as_slice(), &decoder, &[6, 1, 2]].concat());
    let esds = mp4_box(b"esds", &[vec![0; 4], stream].concat());
    let entry = [
        [0, 0, 0, 0, 0, 0, 0, 1].as_slice(),
        &[0; 8],
        &[0, 2, 0, 16, 0, 0, 0, 0],
        &(entry_hz << 16).to_be_bytes(),
        &esds,
    ]
    .concat();
    let stsd = mp4_box(b"stsd", &[words(&[0, 1]), mp4_box(b"mp4a", &entry)].concat());
    let sizes = vec![block.len() as u32; frames as usize];
    let ftyp = mp4_box(b"ftyp", b"M4A \0\0\0\0M4A ");
    let moov = |offset: u32| {
        let stbl = [
            stsd.clone(),
            mp4_box(b"stts", &words(&[0, 1, frames, AAC_SAMPLES])),
            mp4_box(b"stsc", &words(&[0, 1, 1, frames, 1])),
            mp4_box(b"stsz", &[words(&[0, 0, frames]), words(&sizes)].concat()),
            mp4_box(b"stco", &words(&[0, 1, offset])),
        ]
        .concat();
        let dref = mp4_box(b"dref", &[words(&[0, 1]), mp4_box(b"url ", &words(&[1]))].concat());
        let minf =
            [mp4_box(b"smhd", &words(&[0, 0])), mp4_box(b"dinf", &dref), mp4_box(b"stbl", &stbl)]
                .concat();
        let hdlr = [words(&[0, 0]), b"soun".to_vec(), vec![0; 13]].concat();
        let duration = frames * AAC_SAMPLES;
        let mdia = [
            mp4_box(b"mdhd", &words(&[0, 0, 0, rate_hz, duration, 0x55c4_0000])),
            mp4_box(b"hdlr", &hdlr),
            mp4_box(b"minf", &minf),
        ]
        .concat();
        let tkhd = [words(&[7, 0, 0, 1, 0, duration, 0, 0, 0, 0]), vec![0; 44]].concat();
        let trak = [mp4_box(b"tkhd", &tkhd), mp4_box(b"mdia", &mdia)].concat();
        let mvhd = [words(&[0, 0, 0, rate_hz, duration]), vec![0; 80]].concat();
        mp4_box(b"moov", &[mp4_box(b"mvhd", &mvhd), mp4_box(b"trak", &trak)].concat())
    };
    let offset = (ftyp.len() + moov(0).len() + 8) as u32;
    let mdat = mp4_box(b"mdat", &block.repeat(frames as usize));
    [ftyp, moov(offset), mdat].concat()
}
