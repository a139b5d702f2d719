//! What happens to each invocation, drawn from a seed: the same seed gives the same events and the same faults.

use std::time::Duration;

use fastrand::Rng;

use crate::event::{self, PATIENT, SHORT};

/// The function that a process runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    /// `handler` of the tests' guests: JSON in, JSON out.
    Handler,
    /// `hostile` of the tests' guests, which opens files: all that it may, now and then.
    Opening,
    /// `http_p2` of the tests' guests, with responses that are streamed.
    Streamed,
    /// The same, which sends most requests on to a server at this port.
    Sending(u16),
    /// Only events that are echoed, without a fault: for the tests of the suite itself.
    Plain,
}

/// All that happens to one invocation.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The number of the invocation among those of its process.
    pub number: u64,
    /// The id. Some invocations have the id of an earlier one, as Lambda's retries do.
    pub id: String,
    /// The attempt, which the response repeats. It tells apart invocations of the same id.
    pub attempt: String,
    /// The event.
    pub event: Vec<u8>,
    /// The response that the event asks for.
    pub expected: Expected,
    /// The time until the deadline, as the clock of the Runtime API says.
    pub deadline: Deadline,
    /// What happens when the event is handed out.
    pub handing: Handing,
    /// What happens when the response is sent.
    pub answering: Answering,
    /// Whether the same happens to the second try.
    pub is_persistent: bool,
}

/// The response that an event asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// A response with exactly this body. In a streamed response, after its head.
    Response(Vec<u8>),
    /// A failure of this type.
    Error(String),
    /// Any one response or failure.
    Any,
}

/// The deadline that the Runtime API sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deadline {
    /// In so long.
    In(Duration),
    /// Passed so long ago: the clock of the Runtime API, or of this machine, was set.
    Passed(Duration),
    /// None.
    Missing,
    /// A value that is no time.
    Senseless,
}

/// What happens when an event is handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handing {
    /// Nothing.
    Whole,
    /// The reply comes in pieces of so many bytes, with pauses.
    Pieces(usize),
    /// The body of the reply is chunked, in chunks of so many bytes.
    Chunked(usize),
    /// The reply has a hundred more headers, and one with bytes that are no text.
    ManyHeaders,
    /// The reply has a header of 6 kB.
    LongHeader,
    /// The names of the headers are in lower case, and the id comes twice.
    Repeated,
    /// `100 Continue` comes first.
    Informed,
    /// The connection ends after the reply.
    Last,
    /// The connection is reset before the reply. Nothing is handed out by this and what follows.
    Reset,
    /// The connection is closed before the reply.
    Closed,
    /// The connection is reset after so many thousandths of the reply.
    Cut(usize),
    /// The reply is no HTTP.
    Garbage,
    /// The reply has another status.
    Status(u16),
    /// The reply has no id.
    WithoutId,
    /// The id is no segment of a path.
    HostileId(&'static str),
}

/// What happens when a response is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answering {
    /// Nothing.
    Taken,
    /// The response is read in pieces of so many bytes, with pauses.
    ReadInPieces(usize),
    /// The reply comes in pieces of so many bytes, with pauses.
    ReplyInPieces(usize),
    /// The body of the reply is chunked.
    ReplyChunked,
    /// The reply has 200 kB.
    ReplyLong,
    /// `100 Continue` comes first.
    Informed,
    /// The reply takes this long.
    Late(Duration),
    /// The connection ends after the reply.
    Last,
    /// The connection is reset after the head of the request.
    ResetAtHead,
    /// The connection is reset after so many thousandths of the body.
    ResetWithin(usize),
    /// The response is taken, and the connection is reset without a reply.
    ResetAfter,
    /// The response is taken, and the connection is closed without a reply.
    ClosedAfter,
    /// The response is taken, and the connection is reset within the reply.
    ReplyCut,
    /// The reply is no HTTP.
    Garbage,
    /// The reply has another status.
    Status(u16),
}

impl Handing {
    /// Returns whether the process has the whole event afterwards.
    #[must_use]
    pub fn delivers(self) -> bool {
        matches!(
            self,
            Self::Whole
                | Self::Pieces(_)
                | Self::Chunked(_)
                | Self::ManyHeaders
                | Self::LongHeader
                | Self::Repeated
                | Self::Informed
                | Self::Last
        )
    }

    /// The kind of the fault, for the table. `None` if it is none.
    #[must_use]
    pub fn kind(self) -> Option<&'static str> {
        Some(match self {
            Self::Whole => return None,
            Self::Pieces(_) => "next: slow and split reply",
            Self::Chunked(_) => "next: chunked reply",
            Self::ManyHeaders | Self::LongHeader | Self::Repeated => "next: hostile headers",
            Self::Informed => "next: 100 Continue",
            Self::Last | Self::Closed => "next: connection closed",
            Self::Reset | Self::Cut(_) => "next: connection reset",
            Self::Garbage => "next: no HTTP",
            Self::Status(_) => "next: another status",
            Self::WithoutId | Self::HostileId(_) => "next: no usable id",
        })
    }
}

impl Answering {
    /// Returns whether the Runtime API has the response afterwards.
    #[must_use]
    pub fn takes(self) -> bool {
        !matches!(
            self,
            Self::ResetAtHead | Self::ResetWithin(_) | Self::Status(_)
        )
    }

    /// The kind of the fault, for the table. `None` if it is none.
    #[must_use]
    pub fn kind(self) -> Option<&'static str> {
        Some(match self {
            Self::Taken => return None,
            Self::ReadInPieces(_) => "response: slow and split reading",
            Self::ReplyInPieces(_) | Self::Late(_) => "response: slow and split reply",
            Self::ReplyChunked | Self::ReplyLong | Self::Informed => "response: unusual reply",
            Self::Last | Self::ClosedAfter => "response: connection closed",
            Self::ResetAtHead | Self::ResetWithin(_) | Self::ResetAfter | Self::ReplyCut => {
                "response: connection reset"
            }
            Self::Garbage => "response: no HTTP",
            Self::Status(_) => "response: another status",
        })
    }
}

impl Plan {
    /// Returns whether the deadline is another than that of this machine's clock.
    #[must_use]
    pub fn deadline_is_odd(&self) -> bool {
        !matches!(self.deadline, Deadline::In(time) if time <= PATIENT)
    }

    /// Returns the plan for a process whose log nothing reads. Guests print what kills them and the host warns of deadlines, so
    /// that any invocation may wait for the log until its deadline.
    #[must_use]
    pub fn unread(mut self) -> Self {
        self.expected = Expected::Any;
        self.deadline = Deadline::In(SHORT);
        self
    }

    /// Returns the plan for a process with the CPU of a function of 128 MB: invocations that run into their deadline have more
    /// time for it.
    #[must_use]
    pub fn slow(mut self) -> Self {
        if self.deadline == Deadline::In(SHORT) {
            self.deadline = Deadline::In(4 * SHORT);
        }
        self
    }

    /// Returns the plan for a process whose clock is so many seconds ahead of the Runtime API's. If the clock is behind, invocations
    /// that run into their deadline have it by this clock: they would go on for as long as it is behind.
    #[must_use]
    pub fn by_clock(mut self, ahead: i64) -> Self {
        if let Deadline::In(time) = self.deadline
            && time < PATIENT
            && ahead < 0
        {
            let behind = Duration::from_secs(ahead.unsigned_abs());
            self.deadline = Deadline::Passed(behind.saturating_sub(time));
        }
        self
    }

    /// Returns whether the deadline has passed by a clock that is so many seconds ahead of the Runtime API's.
    #[must_use]
    pub fn has_passed(&self, ahead: i64) -> bool {
        let ahead = Duration::from_secs(u64::try_from(ahead).unwrap_or(0));
        matches!(self.deadline, Deadline::In(time) if time <= ahead)
    }

    /// Draws what happens to an invocation.
    #[must_use]
    pub fn draw(seed: u64, number: u64, function: Function) -> Self {
        let mut rng = draws(seed, number);
        let attempt = format!("attempt-{number}");
        // The word that a response repeats: it tells whose response it is.
        let word = format!("w{seed:x}n{number}");
        let is_plain = function == Function::Plain;
        let (event, expected, deadline) = event::draw(&mut rng, &word, function);
        let is_retry = !is_plain && number > 300 && rng.u8(..) < 8;
        let id = match is_retry {
            true => id(number - rng.u64(200..300)),
            false => id(number),
        };
        let is_faulty = !is_plain && rng.u8(..) < 80;
        let (mut handing, mut answering) = (Handing::Whole, Answering::Taken);
        if is_faulty && rng.bool() {
            handing = draw_handing(&mut rng);
        } else if is_faulty {
            answering = draw_answering(&mut rng);
        }
        let (deadline, expected) = skew(&mut rng, is_faulty, deadline, expected);
        Self {
            number,
            id,
            attempt,
            event,
            expected,
            deadline,
            handing,
            answering,
            is_persistent: rng.u8(..) < 50,
        }
    }
}

/// Draws for the invocation, or the process, of this number. Numbers next to each other have nothing in common.
#[must_use]
pub fn draws(seed: u64, number: u64) -> Rng {
    let mixed = (seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15)).rotate_left(32);
    Rng::with_seed(mixed.wrapping_mul(0xd134_2543_de82_ef95))
}

/// The id of an invocation, of Lambda's form.
fn id(number: u64) -> String {
    format!("8476a536-e9f4-11e8-9739-{number:012x}")
}

fn draw_handing(rng: &mut Rng) -> Handing {
    match rng.u8(..100) {
        0..=19 => Handing::Pieces(rng.usize(1..40)),
        20..=29 => Handing::Chunked(rng.usize(1..500)),
        30..=34 => Handing::ManyHeaders,
        35..=39 => Handing::LongHeader,
        40..=44 => Handing::Repeated,
        45..=49 => Handing::Informed,
        50..=59 => Handing::Last,
        60..=69 => Handing::Reset,
        70..=74 => Handing::Closed,
        75..=84 => Handing::Cut(rng.usize(1..1000)),
        85..=88 => Handing::Garbage,
        89..=94 => Handing::Status(*choose(rng, &[400, 404, 410, 413, 429, 502, 503, 504])),
        95..=96 => Handing::WithoutId,
        _ => Handing::HostileId(choose::<&str>(
            rng,
            &["", "..", "../init/error", "a b", "a/b?c", "\u{e4}", "%2e"],
        )),
    }
}

fn draw_answering(rng: &mut Rng) -> Answering {
    match rng.u8(..100) {
        0..=9 => Answering::ReadInPieces(rng.usize(1..200)),
        10..=19 => Answering::ReplyInPieces(rng.usize(1..20)),
        20..=24 => Answering::ReplyChunked,
        25..=27 => Answering::ReplyLong,
        28..=32 => Answering::Informed,
        33..=36 => Answering::Late(Duration::from_millis(rng.u64(..200))),
        37..=46 => Answering::Last,
        47..=54 => Answering::ResetAtHead,
        55..=62 => Answering::ResetWithin(rng.usize(1..1000)),
        63..=72 => Answering::ResetAfter,
        73..=79 => Answering::ClosedAfter,
        80..=84 => Answering::ReplyCut,
        85..=88 => Answering::Garbage,
        _ => Answering::Status(*choose(rng, &[400, 403, 404, 410, 413, 429, 502, 503])),
    }
}

/// Has the clock of the Runtime API differ from this machine's.
fn skew(
    rng: &mut Rng,
    is_faulty: bool,
    time: Duration,
    expected: Expected,
) -> (Deadline, Expected) {
    if !is_faulty || time != PATIENT {
        return (Deadline::In(time), expected);
    }
    match rng.u8(..100) {
        0..=2 => (Deadline::Missing, expected),
        3..=5 => (Deadline::Senseless, expected),
        6..=8 => (Deadline::In(Duration::from_secs(3600)), expected),
        // The invocation has to end at once: it is answered if it is quick.
        9..=11 => (
            Deadline::Passed(Duration::from_millis(rng.u64(1..100_000))),
            Expected::Any,
        ),
        _ => (Deadline::In(time), expected),
    }
}

/// Chooses one of these values.
pub(crate) fn choose<'a, T>(rng: &mut Rng, values: &'a [T]) -> &'a T {
    &values[rng.usize(..values.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_plans() {
        let draw = |seed| {
            let plans = (0..2000).map(|number| Plan::draw(seed, number, Function::Handler));
            format!("{:?}", plans.collect::<Vec<_>>())
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }
}
