//! Each invocation is answered once, and a thread that is left behind is counted until it returns.

use loom::thread;

use super::Process;
use crate::underway::Left;

/// The worker claims the answer for a response, a second time for a failure after it, and the watchdog's two alarms go off.
#[test]
fn an_invocation_is_answered_once() {
    loom::model(|| {
        let process = Process::new();
        let (underway, claim) = process.begin();
        let (its, watched) = (process.clone(), underway.clone());
        let watchdog = thread::spawn(move || {
            let mut fates = Vec::new();
            for stuck in [watched.give_up(), watched.abandon()].into_iter().flatten() {
                its.report(&stuck);
                fates.extend(stuck.left);
            }
            fates
        });
        if claim.claim() {
            process.answer();
        }
        let goes_on = process.respond_and_finish(&underway, &claim);
        let fates = watchdog.join().unwrap();
        assert_eq!(process.answered(), 1);
        // Another thread takes the place, or the thread keeps it.
        let expected = if goes_on {
            vec![]
        } else {
            vec![Left::Replaced]
        };
        assert_eq!(fates, expected);
        assert_eq!(process.shutdown.counters(), (0, 0));
        assert_eq!(process.exits(), 0);
    });
}

/// A stream has the answer from its first byte on: nobody else answers, however long it takes.
#[test]
fn a_stream_keeps_the_answer_it_has_claimed() {
    loom::model(|| {
        let process = Process::new();
        let (underway, claim) = process.begin();
        let (its, watched) = (process.clone(), underway.clone());
        let watchdog = thread::spawn(move || {
            let stuck = watched.give_up();
            stuck.inspect(|stuck| its.report(stuck)).is_some()
        });
        let streams = claim.claim();
        if streams {
            process.answer();
        }
        let goes_on = underway.finish();
        let gave_up = watchdog.join().unwrap();
        assert_eq!(process.answered(), 1);
        assert_eq!(streams, !gave_up);
        assert!(goes_on || gave_up);
        assert_eq!(process.shutdown.counters(), (0, 0));
    });
}
