//! The watchdog: moves the engine's epoch when a guest has to stop, so that a guest which computes is interrupted.
//!
//! The watchdog is one thread for all workers, and sleeps until something is due. The store's state has the moment of the stop:
//! the epoch only makes the guest look at it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use crate::sync::{Condvar, Mutex, MutexGuard, thread};

/// How often the epoch moves while a guest has to stop and has not. Once is not always enough: a tick just before the guest's
/// look at the clock would be lost.
const TICK: Duration = Duration::from_millis(1);

/// How often the epoch moves while a guest hands over its response, or has sent a request: their bytes move when the guest
/// yields.
const YIELD: Duration = Duration::from_millis(10);

/// Interrupts guests, and makes decisions at given moments. Clones share one thread.
#[derive(Debug, Clone)]
pub struct Watchdog(Arc<Shared>);

struct Shared {
    move_epoch: Box<dyn Fn() + Send + Sync>,
    due: Mutex<Due>,
    changed: Condvar,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Watchdog")
    }
}

#[derive(Default)]
struct Due {
    /// The decisions to make on the watchdog's thread, each with a number that tells equal moments apart.
    alarms: BTreeMap<(Instant, u64), Decision>,
    /// The alarm whose decision is being made.
    deciding: Option<u64>,
    /// The moments at which guests have to stop, each with a number that tells equal ones apart.
    stops: BTreeSet<(Instant, u64)>,
    /// How many responses are handed over, and requests in flight.
    yielding: usize,
    next_number: u64,
    /// Until when the thread sleeps. `None` if it sleeps until it is woken.
    asleep_until: Option<Instant>,
    has_thread: bool,
}

/// Decides something, and returns when to decide again. A decision must not wait: the watchdog does nothing else until it
/// returns.
type Decision = Box<dyn FnMut() -> Option<Instant> + Send>;

/// A guest's stop. The guest is not interrupted any more when this is dropped.
#[derive(Debug)]
pub struct Watched<'a> {
    watchdog: &'a Watchdog,
    key: (Instant, u64),
}

/// A decision. It is not made any more when this is dropped.
#[derive(Debug)]
pub struct Alarm<'a> {
    watchdog: &'a Watchdog,
    at: Instant,
    number: u64,
}

/// A request that guests which compute yield now and then, until this is dropped.
#[derive(Debug)]
pub struct Yielding(Watchdog);

impl Watchdog {
    /// Creates a watchdog for the guests of an engine, whose epoch `move_epoch` moves.
    #[must_use]
    pub fn new(move_epoch: impl Fn() + Send + Sync + 'static) -> Self {
        Self(Arc::new(Shared {
            move_epoch: Box::new(move_epoch),
            due: Mutex::new(Due::default()),
            changed: Condvar::new(),
        }))
    }

    /// Makes guests that compute yield now and then, so that the bytes of their responses and requests can move.
    #[must_use]
    pub fn yielding(&self) -> Yielding {
        let mut due = self.0.lock();
        due.yielding += 1;
        self.wake_by(&mut due, Instant::now() + YIELD);
        Yielding(self.clone())
    }

    /// Makes a decision at a given moment, on the watchdog's thread, unless the alarm is dropped before.
    ///
    /// The thread is not woken for the alarm, because that costs more than the rest of an alarm: an earlier stop has to be
    /// watched as well.
    pub fn alarm(
        &self,
        at: Instant,
        decision: impl FnMut() -> Option<Instant> + Send + 'static,
    ) -> Alarm<'_> {
        let mut due = self.0.lock();
        let number = due.next_number;
        due.next_number += 1;
        due.alarms.insert((at, number), Box::new(decision));
        Alarm {
            watchdog: self,
            at,
            number,
        }
    }

    /// Interrupts guests that compute from a given moment on.
    ///
    /// The thread is woken only if it sleeps beyond that moment. Later invocations stop later: the thread mostly sleeps on, wakes
    /// for an earlier stop and finds that it has been dropped.
    pub fn watch(&self, at: Instant) -> Watched<'_> {
        let mut due = self.0.lock();
        let key = (at, due.next_number);
        due.next_number += 1;
        due.stops.insert(key);
        self.wake_by(&mut due, at);
        Watched {
            watchdog: self,
            key,
        }
    }

    /// Wakes the thread if it would sleep beyond a given moment.
    fn wake_by(&self, due: &mut Due, at: Instant) {
        if due.asleep_until.is_none_or(|until| at < until) {
            self.0.changed.notify_one();
        }
    }

    /// Starts the thread, if it has not been started. The watchdog does nothing before.
    ///
    /// # Errors
    ///
    /// Returns an error if the thread cannot be created.
    pub fn start(&self) -> std::io::Result<()> {
        let mut due = self.0.lock();
        if !due.has_thread {
            let shared = Arc::clone(&self.0);
            thread::Builder::new()
                .name("watchdog".to_owned())
                // Its decisions report a stuck invocation and re-execute the process: 64 KiB are too few without optimization.
                .stack_size(256 * 1024)
                .spawn(move || shared.run())?;
            due.has_thread = true;
        }
        Ok(())
    }
}

#[cfg(all(loom, test))]
impl Watchdog {
    /// Makes the decision that is due, if there is one.
    pub(crate) fn decide(&self, now: Instant) {
        drop(self.0.decide(self.0.lock(), now));
    }

    /// Interrupts guests and sleeps until a condition holds.
    pub(crate) fn interrupt_until(&self, now: Instant, is_over: impl Fn() -> bool) {
        let mut due = self.0.lock();
        loop {
            let sleep = self.0.interrupt(&mut due, now);
            if is_over() {
                return;
            }
            due = self.0.sleep(due, sleep);
        }
    }

    /// Returns whether no decision is to be made, and none is being made.
    pub(crate) fn is_idle(&self) -> bool {
        let due = self.0.lock();
        due.alarms.is_empty() && due.deciding.is_none()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Due> {
        self.due.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        let mut due = self.lock();
        loop {
            let now = Instant::now();
            let has_decided;
            (due, has_decided) = self.decide(due, now);
            if !has_decided {
                let sleep = self.interrupt(&mut due, now);
                due = self.sleep(due, sleep);
            }
        }
    }

    /// Makes the first decision that is due. Returns `false` if no decision is.
    fn decide<'a>(
        &'a self,
        mut due: MutexGuard<'a, Due>,
        now: Instant,
    ) -> (MutexGuard<'a, Due>, bool) {
        let first = due.alarms.first_entry();
        let Some(alarm) = first.filter(|alarm| alarm.key().0 <= now) else {
            return (due, false);
        };
        let ((_, number), mut decision) = alarm.remove_entry();
        due.deciding = Some(number);
        drop(due);
        let again = decision();
        due = self.lock();
        // Unless the alarm was dropped during the decision.
        if let (Some(at), Some(_)) = (again, due.deciding.take()) {
            due.alarms.insert((at, number), decision);
        }
        (due, true)
    }

    /// Interrupts the guests that have to stop, or to yield. Returns how long to sleep, if not until the thread is woken.
    fn interrupt(&self, due: &mut Due, now: Instant) -> Option<Duration> {
        let next = due.stops.first().map(|&(at, _)| at);
        let mut sleep = match next {
            Some(at) if at <= now => {
                (self.move_epoch)();
                Some(TICK)
            }
            next => next.map(|at| at - now),
        };
        if due.yielding > 0 {
            (self.move_epoch)();
            sleep = Some(sleep.map_or(YIELD, |sleep| sleep.min(YIELD)));
        }
        if let Some((&(at, _), _)) = due.alarms.first_key_value() {
            let until = at - now;
            sleep = Some(sleep.map_or(until, |sleep| sleep.min(until)));
        }
        due.asleep_until = sleep.map(|sleep| now + sleep);
        sleep
    }

    fn sleep<'a>(&self, due: MutexGuard<'a, Due>, sleep: Option<Duration>) -> MutexGuard<'a, Due> {
        match sleep {
            Some(sleep) => {
                let woken = self.changed.wait_timeout(due, sleep);
                woken.unwrap_or_else(PoisonError::into_inner).0
            }
            None => {
                let woken = self.changed.wait(due);
                woken.unwrap_or_else(PoisonError::into_inner)
            }
        }
    }
}

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        self.watchdog.0.lock().stops.remove(&self.key);
    }
}

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        let mut due = self.watchdog.0.lock();
        if due.deciding == Some(self.number) {
            due.deciding = None;
        }
        if due.alarms.remove(&(self.at, self.number)).is_none() {
            // The alarm was set again, or has gone off.
            due.alarms.retain(|&(_, number), _| number != self.number);
        }
    }
}

impl Drop for Yielding {
    fn drop(&mut self) {
        self.0.0.lock().yielding -= 1;
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// Whether the thread sleeps without a limit, once it has come to rest.
    fn rests(watchdog: &Watchdog) -> bool {
        let until = Instant::now() + Duration::from_secs(5);
        while Instant::now() < until {
            let due = watchdog.0.lock();
            if due.has_thread && due.asleep_until.is_none() && due.stops.is_empty() {
                return true;
            }
            drop(due);
            thread::yield_now();
        }
        false
    }

    #[test]
    fn sleeps_for_good_when_nothing_is_watched() {
        let watchdog = Watchdog::new(|| {});
        watchdog.start().unwrap();
        let watched = watchdog.watch(Instant::now() + Duration::from_millis(20));
        drop(watched);
        assert!(rests(&watchdog));
    }

    #[test]
    fn an_alarm_decides_again_until_it_is_dropped() {
        let watchdog = Watchdog::new(|| {});
        watchdog.start().unwrap();
        let (decided, decisions) = std::sync::mpsc::channel();
        let now = Instant::now();
        let alarm = watchdog.alarm(now, move || {
            decided.send(()).ok()?;
            Some(Instant::now())
        });
        let _watched = watchdog.watch(now + Duration::from_secs(3600));
        for _ in 0..3 {
            decisions.recv_timeout(Duration::from_secs(5)).unwrap();
        }
        drop(alarm);
        // Its sender is gone with it, once the last decision is made.
        while decisions.recv_timeout(Duration::from_secs(5)).is_ok() {}
        assert!(watchdog.0.lock().alarms.is_empty());
    }

    #[test]
    fn an_earlier_stop_wakes_it() {
        let watchdog = Watchdog::new(|| {});
        watchdog.start().unwrap();
        let _late = watchdog.watch(Instant::now() + Duration::from_secs(3600));
        let early = Instant::now() + Duration::from_millis(5);
        let _early = watchdog.watch(early);
        let until = Instant::now() + Duration::from_secs(5);
        // It has seen the early one once it sleeps a tick at a time.
        while watchdog
            .0
            .lock()
            .asleep_until
            .is_none_or(|at| at > early + Duration::from_secs(1))
        {
            assert!(Instant::now() < until, "not woken");
            thread::yield_now();
        }
    }
}
