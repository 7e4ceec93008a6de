//! Both ends of the ring.

use super::*;

fn ring(host_rate_hz: f64) -> (AudioEnd, WorkerEnd, Arc<Handover>) {
    super::ring(host_rate_hz, Layout::MONO, Arc::default())
}

fn playing(song_secs: f64) -> Transport {
    Transport { playing: true, song_secs: Some(song_secs), ..Transport::default() }
}

fn popped(worker: &mut WorkerEnd, n_samples: usize) -> Vec<f32> {
    let mut buffer = vec![0.0; n_samples];
    match worker.pop(&mut buffer) {
        Popped::Samples(n) => buffer[..n].to_vec(),
        _ => Vec::new(),
    }
}

#[test]
fn channels_arrive_side_by_side_and_missing_ones_are_silent() {
    let (mut audio, mut worker, _) = super::ring(48_000.0, Layout::of(2), Arc::default());
    audio.process(&[[1.0, 2.0], [3.0, -2.0]], &Transport::default());
    audio.process(&[[5.0]], &Transport::default());
    audio.process(&[[1.0], [2.0], [3.0]], &Transport::default());
    let mut buffer = [9.0; 9];
    assert_eq!(worker.pop(&mut buffer), Popped::Samples(4), "half a sample stays in the buffer");
    assert_eq!(buffer[..8], [1.0, 3.0, 2.0, -2.0, 5.0, 0.0, 1.0, 2.0]);
}

#[test]
fn a_sample_fits_with_all_its_channels_or_not_at_all() {
    let (mut audio, mut worker, shared) = super::ring(f64::NAN, Layout::of(3), Arc::default());
    let ramp: Vec<f32> = (0..MIN_RING_SAMPLES + 10).map(|n| n as f32).collect();
    audio.process(&[&ramp, &ramp, &ramp], &Transport::default());
    assert_eq!(shared.overrun_samples(), 10);
    let mut buffer = vec![0.0; 3 * ramp.len()];
    assert_eq!(worker.pop(&mut buffer), Popped::Samples(MIN_RING_SAMPLES));
    let samples = buffer.chunks(3).zip(&ramp).take(MIN_RING_SAMPLES);
    assert!(samples.into_iter().all(|(sample, n)| sample == [*n; 3]));
}

#[test]
fn long_blocks_arrive_whole_and_in_order() {
    let (mut audio, mut worker, _) = ring(48_000.0);
    let ramp: Vec<f32> = (0..3000_u16).map(f32::from).collect();
    audio.process(&[&ramp[..], &ramp[..]], &Transport::default());
    assert_eq!(popped(&mut worker, 4000), ramp);
}

#[test]
fn empty_blocks_and_no_channels_are_fine() {
    let (mut audio, mut worker, _) = ring(48_000.0);
    audio.process::<&[f32]>(&[], &Transport::default());
    audio.process::<&[f32]>(&[&[], &[]], &Transport::default());
    assert_eq!(worker.pop(&mut [0.0; 4]), Popped::Nothing);
}

#[test]
fn samples_that_do_not_fit_are_counted_and_the_rest_kept() {
    let (mut audio, mut worker, shared) = ring(f64::NAN);
    let block = vec![1.0; MIN_RING_SAMPLES + 100];
    audio.process(&[&block], &Transport::default());
    audio.process(&[&block[..50]], &Transport::default());
    assert_eq!(shared.overrun_samples(), 150);
    assert_eq!(popped(&mut worker, 2 * MIN_RING_SAMPLES).len(), MIN_RING_SAMPLES);
}

#[test]
fn the_ring_holds_four_seconds_of_any_rate() {
    let capacity = |rate_hz| ring(rate_hz).0.producer.capacity().get();
    assert_eq!(capacity(48_000.0), 192_000);
    assert_eq!(capacity(8_000.0), 32_000);
    assert_eq!(capacity(100.0), MIN_RING_SAMPLES);
    assert_eq!(capacity(f64::INFINITY), MAX_RING_SAMPLES);
}

#[test]
fn a_reset_splits_the_stream_exactly_there() {
    let (mut audio, mut worker, _) = ring(48_000.0);
    audio.process(&[[1.0, 2.0]], &Transport::default());
    audio.reset();
    audio.process(&[[3.0]], &Transport::default());
    assert_eq!(popped(&mut worker, 8), [1.0, 2.0]);
    assert_eq!(worker.pop(&mut [0.0; 8]), Popped::Reset);
    assert_eq!(popped(&mut worker, 8), [3.0]);
}

#[test]
fn a_worker_that_is_late_forgets_what_was_before_a_reset_and_one_that_has_the_time_reads_it() {
    // A second at the clock's pace, which nobody has looked at; and a second that came at once.
    for (block_secs, expected) in [(0.1, 0), (0.0, 1000)] {
        let (mut audio, mut worker, _) = ring(1000.0);
        for n in 0..10 {
            audio.process_at(&[[0.5; 100]], &Transport::default(), f64::from(n) * block_secs);
        }
        audio.reset();
        audio.process_at(&[[1.0; 8]], &Transport::default(), 10.0 * block_secs);
        assert_eq!(popped(&mut worker, 2000).len(), expected, "{block_secs}");
        assert!(expected == 0 || worker.pop(&mut [0.0; 8]) == Popped::Reset);
        assert_eq!(popped(&mut worker, 8), [1.0; 8]);
    }
}

#[test]
fn of_several_resets_the_last_counts_and_one_at_the_start_is_none() {
    let (mut audio, mut worker, _) = ring(48_000.0);
    audio.reset();
    assert_eq!(worker.pop(&mut [0.0; 8]), Popped::Nothing);
    audio.process(&[[1.0]], &Transport::default());
    audio.reset();
    audio.process(&[[2.0, 3.0]], &Transport::default());
    audio.reset();
    audio.reset();
    audio.process(&[[4.0]], &Transport::default());
    assert_eq!(popped(&mut worker, 8), [1.0, 2.0, 3.0]);
    assert_eq!(worker.pop(&mut [0.0; 8]), Popped::Reset);
    assert_eq!(popped(&mut worker, 8), [4.0]);
}

#[test]
fn a_reset_forgets_the_overruns() {
    let (mut audio, _worker, shared) = ring(f64::NAN);
    audio.process(&[vec![0.0; MIN_RING_SAMPLES + 8_000]], &Transport::default());
    assert_eq!(shared.overrun_samples(), 8_000);
    audio.reset();
    assert_eq!(audio.overrun_samples(), 0);
}

#[test]
fn a_render_loses_nothing_however_slow_the_worker() {
    let (mut audio, mut worker, shared) = ring(100.0);
    let block: Vec<f32> = vec![1.0; 3 * MIN_RING_SAMPLES];
    let reader = std::thread::spawn(move || {
        let (mut heard, mut buffer) = (0, [0.0; 1000]);
        while heard < 3 * MIN_RING_SAMPLES {
            match worker.pop(&mut buffer) {
                Popped::Samples(n) => heard += n,
                _ => std::thread::sleep(Duration::from_micros(50)),
            }
            worker.mark_analysed();
        }
    });
    audio.process_waiting(&[&block], &Transport::default());
    assert_eq!(audio.backlog_samples(), 0);
    assert_eq!(shared.overrun_samples(), 0);
    reader.join().unwrap();
}

#[test]
fn a_render_does_not_wait_for_a_dead_worker() {
    let (mut audio, _worker, shared) = ring(100.0);
    shared.worker_has_ended();
    let began = Instant::now();
    audio.process_waiting(&[vec![0.0; 2 * MIN_RING_SAMPLES]], &Transport::default());
    assert!(began.elapsed() < Duration::from_secs(5));
}

/// Reads all that comes until nobody sends any more, `speed` times as fast as it sounds.
fn read_all(mut worker: WorkerEnd, expected: usize, speed: f64) -> std::thread::JoinHandle<usize> {
    std::thread::spawn(move || {
        let (mut heard, mut buffer, began) = (0, [0.0; 512], Instant::now());
        while heard < expected && began.elapsed() < Duration::from_secs(60) {
            if let Popped::Samples(n) = worker.pop(&mut buffer) {
                heard += n;
                let secs = n as f64 / worker.host_rate_hz / speed;
                std::thread::sleep(Duration::from_secs_f64(secs));
            }
            worker.mark_analysed();
        }
        heard
    })
}

#[test]
fn a_render_that_nobody_announced_loses_nothing_and_live_playback_after_it_never_waits() {
    const BLOCK: usize = 480;
    const RATE_HZ: f64 = 48_000.0;
    let (mut audio, worker, shared) = ring(RATE_HZ);
    let (n_render, n_live) = (3_000, 200);
    let reader = read_all(worker, (n_render + n_live) * BLOCK, 50.0);
    let block = [0.1; BLOCK];
    (0..n_render).for_each(|_| audio.process(&[block], &Transport::default()));
    assert_eq!(shared.overrun_samples(), 0, "half a minute, eight times what the ring holds");
    assert!(shared.is_waited_for());
    let waits = audio.waits();
    assert!(waits > 10, "{waits}");
    for _ in 0..n_live {
        std::thread::sleep(Duration::from_secs_f64(BLOCK as f64 / RATE_HZ));
        audio.process(&[block], &Transport::default());
        assert!(!shared.is_waited_for());
    }
    assert_eq!(audio.waits(), waits, "live playback was made to wait");
    assert_eq!(reader.join().unwrap(), (n_render + n_live) * BLOCK);
    assert_eq!(shared.overrun_samples(), 0);
}

#[test]
fn a_worker_is_late_by_what_the_clock_has_caught_up_with_and_no_more() {
    let (mut audio, mut worker, _) = ring(1000.0);
    // A second at once, as from a host that computes ahead; the clock stands still.
    for _ in 0..10 {
        audio.process_at(&[[0.1; 100]], &Transport::default(), 5.0);
    }
    assert_eq!(worker.late_secs(), 0.0);
    // Half a second later one more block comes, and nobody has read any.
    audio.process_at(&[[0.1; 100]], &Transport::default(), 5.5);
    assert!((worker.late_secs() - 0.5).abs() < 0.06, "{}", worker.late_secs());
    popped(&mut worker, 700);
    assert_eq!(worker.late_secs(), 0.0);
}

#[test]
fn playback_at_the_clocks_pace_loses_samples_rather_than_time() {
    // Nobody reads: a stalled worker. The clock is as fast as the audio.
    let (mut audio, _worker, shared) = ring(48_000.0);
    for n in 0..1000 {
        audio.process_at(&[[0.1; 480]], &Transport::default(), f64::from(n) * 0.01);
    }
    assert_eq!((audio.waits(), shared.overrun_samples()), (0, 6 * 48_000));
}

/// The place of the newest sample after popping up to `n_samples`, with how many came.
fn places(worker: &mut WorkerEnd, n_samples: usize) -> (usize, Option<f64>) {
    let n = popped(worker, n_samples).len();
    (n, worker.song_secs(worker.position as f64 / worker.host_rate_hz))
}

#[test]
fn places_change_exactly_where_the_transport_does() {
    let (mut audio, mut worker, _) = ring(1000.0);
    let block = [0.0; 100];
    audio.process(&[block], &Transport::default());
    audio.process(&[block], &playing(60.0));
    audio.process(&[block], &playing(60.1));
    audio.process(&[block], &playing(30.0));
    audio.process(&[block], &Transport::default());
    assert_eq!(audio.anchors.occupied_len(), 3, "only where the timeline is not as foretold");
    assert_eq!(places(&mut worker, 500), (100, None));
    assert_eq!(places(&mut worker, 150), (150, Some(60.15)));
    assert_eq!(places(&mut worker, 500), (50, Some(60.2)));
    assert_eq!(places(&mut worker, 500), (100, Some(30.1)));
    assert_eq!(places(&mut worker, 500), (100, None));
}

#[test]
fn samples_lost_at_the_ring_do_not_shift_the_timeline() {
    let (mut audio, mut worker, _) = ring(1000.0);
    let block = vec![0.0; MIN_RING_SAMPLES + 5000];
    audio.play(&[&block], &playing(0.0));
    assert_eq!(places(&mut worker, MIN_RING_SAMPLES), (MIN_RING_SAMPLES, Some(16.384)));
    audio.process(&[[0.0; 100]], &playing(21.384));
    assert_eq!(places(&mut worker, 100), (100, Some(21.484)));
}

#[test]
fn an_anchor_that_finds_no_room_is_tried_again() {
    let (mut audio, mut worker, _) = ring(1000.0);
    // A host that jumps with every block, far ahead of the worker.
    (0..100).for_each(|n| audio.process(&[[0.0; 10]], &playing(f64::from(n) * 60.0)));
    while places(&mut worker, 1000).0 > 0 {}
    audio.process(&[[0.0; 10]], &playing(5.0));
    assert_eq!(places(&mut worker, 1000), (10, Some(5.01)));
}

#[test]
fn starts_and_jumps_reset_where_that_is_wanted() {
    for (wanted, expected) in [(true, 3), (false, 0)] {
        let (mut audio, mut worker, _) = ring(1000.0);
        audio.set_auto_reset(wanted);
        let mut n_resets = 0;
        let in_loop = |song_secs| Transport { loop_secs: Some((0.0, 8.0)), ..playing(song_secs) };
        let played = [
            Transport::default(),
            playing(7.0),
            playing(7.1),
            playing(3.0),
            Transport::default(),
            Transport::default(),
            in_loop(7.9),
            in_loop(0.0),
        ];
        for transport in played {
            audio.process(&[[0.0; 100]], &transport);
            while let popped @ (Popped::Reset | Popped::Samples(_)) = worker.pop(&mut [0.0; 500]) {
                n_resets += usize::from(popped == Popped::Reset);
            }
        }
        assert_eq!(n_resets, expected);
    }
}

#[test]
fn a_reset_that_somebody_asks_for_comes_with_the_next_block() {
    let control = Arc::new(Control::default());
    control.ask_reset();
    let (mut audio, mut worker, _) = super::ring(1000.0, Layout::MONO, Arc::clone(&control));
    audio.process(&[[1.0]], &Transport::default());
    assert_eq!(popped(&mut worker, 8), [1.0], "what was asked before the start is over");
    audio.process(&[[2.0]], &Transport::default());
    control.ask_reset();
    assert_eq!(popped(&mut worker, 8), [2.0]);
    audio.process(&[[3.0]], &Transport::default());
    assert_eq!(worker.pop(&mut [0.0; 8]), Popped::Reset);
    assert_eq!(popped(&mut worker, 8), [3.0]);
}
