//! The library as somebody else's program sees it: what is public without `internals` is enough.

// In a test a panic is the message; the lint's own exception covers test functions but not what
// they call.
#![allow(clippy::unwrap_used)]

use moodring::{Analyser, AnalyserError, Layout, Model, ModelError, Phase, Reading, downmix};

/// Seconds of two tones at 48 kHz, the same in each of `n_channels`, interleaved.
fn music(secs: usize, n_channels: usize) -> Vec<f32> {
    let tone = |n: usize, hz: f32| (n as f32 / 48_000.0 * hz * std::f32::consts::TAU).sin();
    let sample = |n: usize| 0.2 * (tone(n, 220.0) + tone(n, 330.0));
    (0..secs * 48_000 * n_channels).map(|i| sample(i / n_channels)).collect()
}

fn read(layout: Layout, interleaved: &[f32]) -> Vec<Reading> {
    let mut analyser = Analyser::new(48_000.0, layout, &Model::shipped().unwrap()).unwrap();
    let mut readings = Vec::new();
    for chunk in interleaved.chunks(layout.n_channels() * 1000) {
        analyser.push(chunk, |reading| readings.push(*reading)).unwrap();
    }
    readings
}

#[test]
fn an_analyser_takes_any_channels_and_reads_what_each_pole_is_called() {
    let model = Model::shipped().unwrap();
    let poles: Vec<&str> = model.card().spaces.iter().map(|space| &*space.first).collect();
    assert_eq!(poles, ["excited", "joy"]);
    let mono = read(Layout::MONO, &music(12, 1));
    assert!(mono.len() > 50);
    let last = mono.last().unwrap();
    assert_eq!((last.phase, last.shares().len()), (Phase::Live, 2));
    for layout in [Layout::STEREO, Layout::of(6).with_lfe(3)] {
        let readings = read(layout, &music(12, layout.n_channels()));
        assert_eq!(readings.len(), mono.len());
        for (a, b) in readings.iter().zip(&mono) {
            assert_eq!((a.time_secs, a.phase), (b.time_secs, b.phase));
            let apart = a.shares().iter().zip(b.shares()).map(|(a, b)| (a - b).abs());
            assert!(apart.fold(0.0, f32::max) < 0.01, "{a:?}\n{b:?}");
        }
    }
}

#[test]
fn channels_that_lie_one_after_the_other_are_read_alike() {
    let layout = Layout::STEREO;
    let left = music(12, 1);
    let right: Vec<f32> = left.iter().map(|x| 0.3 * x).collect();
    let interleaved: Vec<f32> = left.iter().zip(&right).flat_map(|(l, r)| [*l, *r]).collect();
    let model = Model::shipped().unwrap();
    let read_planar = |right: Option<&[f32]>| {
        let mut analyser = Analyser::new(48_000.0, layout, &model).unwrap();
        let mut readings = Vec::new();
        for (i, left) in left.chunks(4097).enumerate() {
            let right = right.map(|right| &right[i * 4097..][..left.len()]);
            let channels: Vec<&[f32]> = [Some(left), right].into_iter().flatten().collect();
            analyser.push_planar(&channels, |reading| readings.push(*reading)).unwrap();
        }
        readings
    };
    assert_eq!(read_planar(Some(&right)), read(layout, &interleaved));
    let silent: Vec<f32> = left.iter().flat_map(|l| [*l, 0.0]).collect();
    assert_eq!(read_planar(None), read(layout, &silent), "a channel that is missing");
}

#[test]
fn the_downmix_is_one_function() {
    let left = music(1, 1);
    let mixed = downmix(&[left.clone(), left.clone()], 48_000.0, Layout::STEREO);
    assert_eq!(mixed.len(), left.len());
    assert!(mixed.iter().any(|sample| *sample != 0.0));
}

#[test]
fn errors_tell_apart_what_a_program_can_act_on() {
    let model = Model::shipped().unwrap();
    for rate_hz in [0.0, f64::NAN, 1e9] {
        let error = Analyser::new(rate_hz, Layout::MONO, &model).err().unwrap();
        assert!(matches!(error, AnalyserError::Rate(_)), "{error:?}");
    }
    let error = Model::load("/no/such/model.onnx".as_ref()).err().unwrap();
    assert!(error.to_string().contains("/no/such/model.onnx"), "{error}");
    let error: Box<dyn std::error::Error + Send + Sync> = Box::new(error);
    assert!(error.downcast_ref::<ModelError>().is_some());
}

#[test]
fn an_analyser_goes_where_it_is_needed_and_tells_of_itself() {
    let analyser = Analyser::new(48_000.0, Layout::STEREO, &Model::shipped().unwrap()).unwrap();
    assert!(format!("{analyser:?}").starts_with("Analyser"));
    let explained = std::thread::spawn(move || {
        let mut analyser = analyser;
        analyser.push(&music(3, 2), |_| ()).unwrap();
        analyser.why().unwrap().is_some()
    });
    assert!(explained.join().unwrap());
}
