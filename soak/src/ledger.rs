//! What was handed out, what came back, and what is wrong with it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::AddAssign;
use std::time::Instant;

use crate::plan::{Expected, Plan};

/// How many faults are described; the others are only counted.
const MAX_DESCRIBED: usize = 20;

/// The invocations of one process.
#[derive(Default)]
pub struct Ledger {
    entries: HashMap<u64, Entry>,
    /// Whether the Runtime API takes no new connections, which a streamed response would need.
    pub is_gone: bool,
    /// What was found so far.
    pub counts: Counts,
}

/// An invocation that was handed out and is not settled.
struct Entry {
    plan: Plan,
    /// The connection that it was handed out on.
    connection: u64,
    at: Instant,
    /// How many seconds the clock of the process was ahead, at the most, between the handing out and the answer.
    ahead: i64,
    /// Whether that clock was another than the Runtime API's at any time between.
    is_odd: bool,
    tries: Vec<Try>,
}

/// A response or a failure that came for an invocation.
struct Try {
    /// Whether it was taken: the reply of a success has left.
    is_taken: bool,
    /// `None` if it was not read to its end.
    answer: Option<Answer>,
}

/// A response or a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The body of a response, without the head of a streamed one.
    Response(Vec<u8>),
    /// The type of a failure.
    Error(String),
    /// Neither, and why.
    Malformed(String),
}

/// A way in which a process can fail its invocations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wrong {
    /// Handed out, and neither answered nor reported.
    Lost,
    /// Answered twice.
    Doubled,
    /// Answered with what belongs to another invocation.
    Crossed,
    /// Answered with something else than its event asks for, such as a failure that another caused.
    Hurt,
    /// An answer to something that was never handed out.
    Invented,
    /// The process, or one of its workers, stopped asking for events.
    Hung,
    /// The process ended without a reason to.
    Died,
    /// Memory, descriptors or threads grow.
    Leaked,
    /// A line of the log is torn or mixed up.
    Torn,
}

/// The numbers of a run.
#[derive(Debug, Default, Clone)]
pub struct Counts {
    /// Processes that were started.
    pub processes: u64,
    /// Invocations that were handed out.
    pub handed_out: u64,
    /// Invocations that were answered.
    pub answered: u64,
    /// Invocations whose answer could not be delivered, which the log says.
    pub reported: u64,
    /// Invocations that came with a deadline and were followed by a request for the next event on the same connection, and how
    /// many of these requests came after the deadline.
    pub next_after_deadline: (u64, u64),
    /// Faults by kind.
    pub faults: BTreeMap<&'static str, u64>,
    /// What is wrong, by kind.
    pub wrong: BTreeMap<Wrong, u64>,
    /// The first of what is wrong.
    pub described: Vec<String>,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.processes += other.processes;
        self.handed_out += other.handed_out;
        self.answered += other.answered;
        self.reported += other.reported;
        self.next_after_deadline.0 += other.next_after_deadline.0;
        self.next_after_deadline.1 += other.next_after_deadline.1;
        for (kind, count) in other.faults {
            *self.faults.entry(kind).or_default() += count;
        }
        for (wrong, count) in other.wrong {
            *self.wrong.entry(wrong).or_default() += count;
        }
        self.described.extend(other.described);
        self.described.truncate(MAX_DESCRIBED);
    }
}

impl Counts {
    /// Counts something that is wrong.
    pub fn wrong(&mut self, wrong: Wrong, description: String) {
        *self.wrong.entry(wrong).or_default() += 1;
        if self.described.len() < MAX_DESCRIBED {
            self.described.push(format!("{wrong:?}: {description}"));
        }
    }

    /// Counts a fault.
    pub fn fault(&mut self, kind: &'static str) {
        self.faults(kind, 1);
    }

    /// Counts so many faults of a kind.
    pub fn faults(&mut self, kind: &'static str, times: u64) {
        if times > 0 {
            *self.faults.entry(kind).or_default() += times;
        }
    }
}

impl Ledger {
    /// Notes that an invocation is handed out to a process whose clock is so many seconds ahead.
    pub fn hand_out(&mut self, plan: Plan, connection: u64, ahead: i64) {
        self.counts.handed_out += 1;
        let entry = Entry {
            plan,
            connection,
            at: Instant::now(),
            ahead,
            is_odd: ahead != 0,
            tries: Vec::new(),
        };
        self.entries.insert(entry.plan.number, entry);
    }

    /// Notes that the clock of the process is set so many seconds ahead. It may not have read yet what was handed out.
    pub fn set_clock(&mut self, ahead: i64) {
        for entry in self.entries.values_mut() {
            if entry.tries.is_empty() {
                entry.ahead = entry.ahead.max(ahead);
                entry.is_odd |= ahead != 0;
            }
        }
    }

    /// Takes an invocation back that did not reach the process.
    pub fn take_back(&mut self, number: u64) {
        if self.entries.remove(&number).is_some() {
            self.counts.handed_out -= 1;
        }
    }

    /// Returns the plan of the invocation that an answer is for, and how many answers came before. `None`, and a note, if no
    /// such invocation was handed out.
    pub fn answered(&mut self, id: &str, attempt: Option<&str>) -> Option<(Plan, usize)> {
        let number = attempt.and_then(|attempt| attempt.strip_prefix("attempt-")?.parse().ok());
        let Some(entry) = number.and_then(|number: u64| self.entries.get(&number)) else {
            let description = format!("an answer to {id}, attempt {attempt:?}");
            self.counts.wrong(Wrong::Invented, description);
            return None;
        };
        if entry.plan.id != id {
            let description = format!("attempt {attempt:?} was answered as {id}");
            self.counts.wrong(Wrong::Crossed, description);
        }
        Some((entry.plan.clone(), entry.tries.len()))
    }

    /// Returns whether the Runtime API has taken an answer to the invocation, or read one to its end.
    pub fn has_answer(&self, number: u64) -> bool {
        let entry = self.entries.get(&number);
        entry.is_some_and(|entry| entry.tries.iter().any(|one| one.answer.is_some()))
    }

    /// Notes an answer. `answer` is `None` if it was not read to its end.
    pub fn note(&mut self, number: u64, answer: Option<Answer>, is_taken: bool, words: &str) {
        let Some(entry) = self.entries.get_mut(&number) else {
            return;
        };
        let counts = &mut self.counts;
        let describe = |what: String| format!("{what}: {}", entry.summary());
        if entry.tries.iter().any(|earlier| earlier.is_taken) {
            counts.wrong(Wrong::Doubled, describe("after it was taken".to_owned()));
        } else if entry.tries.len() > 1 {
            counts.wrong(Wrong::Doubled, describe("a third time".to_owned()));
        }
        if let Some(answer) = &answer {
            let earlier = entry
                .tries
                .iter()
                .find_map(|earlier| earlier.answer.as_ref());
            if earlier.is_some_and(|earlier| earlier != answer) {
                counts.wrong(Wrong::Doubled, describe("differently".to_owned()));
            }
            if let Answer::Response(body) = answer
                && let Some(other) = another_word(body, words, number)
            {
                counts.wrong(Wrong::Crossed, describe(format!("got {other}")));
            } else if let Some(difference) = difference(&entry.plan.expected, answer) {
                let is = |error: &str| *answer == Answer::Error(error.to_owned());
                let is_late = entry.plan.has_passed(entry.ahead);
                // A streamed response may begin, and not be sent in time.
                let is_unsent = is("Runtime.ResponseNotSent") && (self.is_gone || is_late);
                let is_timeout = is("Function.Timeout") && is_late;
                if !(is_unsent || is_timeout) {
                    counts.wrong(Wrong::Hurt, describe(difference));
                }
            }
        }
        entry.tries.push(Try { is_taken, answer });
    }

    /// Notes that a connection asks for the next event.
    pub fn asked_for_next(&mut self, connection: u64, was_stopped_since: impl Fn(Instant) -> bool) {
        let counts = &mut self.counts.next_after_deadline;
        for entry in self.entries.values_mut() {
            let crate::plan::Deadline::In(time) = entry.plan.deadline else {
                continue;
            };
            let is_odd = entry.is_odd || was_stopped_since(entry.at);
            if entry.connection != connection || is_odd {
                continue;
            }
            // Once for each invocation.
            entry.connection = u64::MAX;
            counts.0 += 1;
            counts.1 += u64::from(entry.at.elapsed() > time);
        }
    }

    /// Settles all invocations that were handed out, when the process has none under way, or has ended.
    pub fn settle(&mut self, end: &Settlement<'_>) {
        let mut entries: Vec<Entry> = self.entries.drain().map(|(_, entry)| entry).collect();
        entries.sort_by_key(|entry| entry.plan.number);
        for entry in entries {
            if entry.tries.iter().any(|one| one.is_taken) {
                self.counts.answered += 1;
                continue;
            }
            let was_faulty = !entry.tries.is_empty();
            let reports = end.undelivered;
            let is_reported = reports.map_or(was_faulty, |ids| ids.contains(&entry.plan.id));
            let is_unseen = !was_faulty && end.unseen_since.is_some_and(|since| entry.at >= since);
            // A second try after an answer that was read is refused: the answer has been delivered.
            let is_whole = entry.tries.iter().any(|one| one.answer.is_some());
            if is_unseen {
                self.counts.handed_out -= 1;
            } else if is_reported || end.ended_by == Some(entry.plan.number) {
                self.counts.reported += 1;
            } else if is_whole && entry.plan.answering.takes() {
                self.counts.answered += 1;
            } else {
                let description = format!("{} tries: {}", entry.tries.len(), entry.summary());
                self.counts.wrong(Wrong::Lost, description);
            }
        }
    }
}

/// What is known when the invocations of a process are settled.
#[derive(Debug, Default)]
pub struct Settlement<'a> {
    /// The ids of the invocations of which the log says that their answer was not delivered. `None` if the log was not read.
    pub undelivered: Option<&'a HashSet<String>>,
    /// The process was told to end. It may not have seen the events that were handed out since then.
    pub unseen_since: Option<Instant>,
    /// The invocation whose answer was replied to with the status that ended the process.
    pub ended_by: Option<u64>,
}

impl Entry {
    /// Returns one line about the invocation.
    fn summary(&self) -> String {
        let plan = &self.plan;
        let event = String::from_utf8_lossy(&plan.event[..plan.event.len().min(60)]).into_owned();
        format!(
            "invocation {} ({event}), {:?}, {:?}, {:?}, the clock {} s ahead",
            plan.number, plan.deadline, plan.handing, plan.answering, self.ahead
        )
    }
}

/// Returns another invocation's word in a response.
fn another_word(body: &[u8], words: &str, number: u64) -> Option<String> {
    let text = String::from_utf8_lossy(&body[..body.len().min(1000)]).into_owned();
    let (_, rest) = text.split_once(words)?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    (digits != number.to_string()).then(|| format!("{words}{digits}"))
}

/// Returns how an answer differs from the one that the event asks for.
fn difference(expected: &Expected, answer: &Answer) -> Option<String> {
    match (expected, answer) {
        (_, Answer::Malformed(why)) => Some(why.clone()),
        (Expected::Any, _) => None,
        (Expected::Response(expected), Answer::Response(body)) if expected == body => None,
        (Expected::Error(expected), Answer::Error(error_type)) if expected == error_type => None,
        (_, Answer::Error(error_type)) => Some(format!("it failed with {error_type}")),
        (_, Answer::Response(body)) => {
            let text = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
            Some(format!("a response of {} bytes: {text}", body.len()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Function;

    const DAY: i64 = 24 * 60 * 60;

    /// Returns what is wrong with this failure of an invocation that was handed out while the clock was so many seconds ahead,
    /// and was under way when it was set again, to these numbers.
    fn wrongs(ahead: i64, later: &[i64], failure: &str) -> Vec<Wrong> {
        let mut ledger = Ledger::default();
        let plan = Plan::draw(1, 0, Function::Plain).by_clock(ahead);
        ledger.hand_out(plan, 0, ahead);
        for &ahead in later {
            ledger.set_clock(ahead);
        }
        ledger.note(0, Some(Answer::Error(failure.to_owned())), true, "w1n");
        ledger.counts.wrong.into_keys().collect()
    }

    #[test]
    fn an_invocation_may_time_out_if_the_clock_was_ahead_by_its_time() {
        for (ahead, later) in [(60, &[][..]), (DAY, &[0]), (0, &[60]), (0, &[DAY, 0, -1])] {
            for failure in ["Function.Timeout", "Runtime.ResponseNotSent"] {
                let wrong = wrongs(ahead, later, failure);
                assert_eq!(wrong, [], "{ahead} {later:?} {failure}");
            }
            let trap = wrongs(ahead, later, "Function.Trap");
            assert_eq!(trap, [Wrong::Hurt], "{ahead} {later:?}");
        }
        for (ahead, later) in [(0, &[][..]), (1, &[]), (-DAY, &[0]), (0, &[1, -60])] {
            for failure in ["Function.Timeout", "Runtime.ResponseNotSent"] {
                let wrong = wrongs(ahead, later, failure);
                assert_eq!(wrong, [Wrong::Hurt], "{ahead} {later:?} {failure}");
            }
        }
    }

    #[test]
    fn an_invocation_may_not_time_out_because_of_a_clock_that_is_set_after_its_answer() {
        let mut ledger = Ledger::default();
        let plan = Plan::draw(1, 0, Function::Plain);
        ledger.hand_out(plan, 0, 0);
        ledger.note(0, None, false, "w1n");
        ledger.set_clock(DAY);
        let timeout = Answer::Error("Function.Timeout".to_owned());
        ledger.note(0, Some(timeout), true, "w1n");
        assert_eq!(ledger.counts.wrong.get(&Wrong::Hurt), Some(&1));
    }

    #[test]
    fn requests_for_the_next_event_are_not_late_by_another_clock() {
        let mut ledger = Ledger::default();
        for (number, ahead) in [(0, 0), (1, -1), (2, 60)] {
            ledger.hand_out(Plan::draw(1, number, Function::Plain), number, ahead);
            ledger.asked_for_next(number, |_| false);
        }
        assert_eq!(ledger.counts.next_after_deadline, (1, 0));
    }
}
