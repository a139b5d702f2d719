//! A chunked body, decoded as it arrives.

use std::ops::ControlFlow;

use anyhow::anyhow;
use httparse::Status;

/// The most bytes of a body that are kept: a streamed answer may be longer than this machine's memory.
const KEPT: usize = 64 * 1024;

/// The part of a body that has arrived.
#[derive(Default)]
pub struct Chunked {
    next: Part,
    /// Its first bytes.
    pub start: Vec<u8>,
    /// Its size in bytes.
    pub length: u64,
}

/// The next part of a body.
#[derive(Clone, Copy, Default)]
enum Part {
    #[default]
    Size,
    /// This number of bytes of a chunk.
    Data(u64),
    EndOfData,
    Trailers,
}

impl Chunked {
    /// Decodes `bytes`, and returns how many bytes it has used. It stops after the trailers.
    pub fn take(&mut self, bytes: &[u8]) -> anyhow::Result<ControlFlow<usize, usize>> {
        let mut at = 0;
        while let Some((part, length)) = self.step(&bytes[at..])? {
            at += length;
            match part {
                Some(part) => self.next = part,
                None => return Ok(ControlFlow::Break(at)),
            }
        }
        Ok(ControlFlow::Continue(at))
    }

    /// Decodes one part, or a piece of it. Returns the next part and the length, or `None` if bytes are missing.
    fn step(&mut self, bytes: &[u8]) -> anyhow::Result<Option<(Option<Part>, usize)>> {
        Ok(match self.next {
            Part::Size => {
                let size = httparse::parse_chunk_size(bytes);
                match size.map_err(|_| anyhow!("a chunk without a size"))? {
                    Status::Complete((line, 0)) => Some((Some(Part::Trailers), line)),
                    Status::Complete((line, size)) => Some((Some(Part::Data(size)), line)),
                    Status::Partial => None,
                }
            }
            Part::Data(0) => Some((Some(Part::EndOfData), 0)),
            Part::Data(_) if bytes.is_empty() => None,
            Part::Data(left) => {
                let count = bytes.len().min(usize::try_from(left)?);
                let room = KEPT.saturating_sub(self.start.len());
                self.start.extend_from_slice(&bytes[..count.min(room)]);
                self.length += count as u64;
                Some((Some(Part::Data(left - count as u64)), count))
            }
            Part::EndOfData => (bytes.len() >= 2).then_some((Some(Part::Size), "\r\n".len())),
            Part::Trailers => {
                let trailers = &mut [httparse::EMPTY_HEADER; 8];
                match httparse::parse_headers(bytes, trailers)? {
                    Status::Complete((length, _)) => Some((None, length)),
                    Status::Partial => None,
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = b"3\r\nhel\r\n2\r\nlo\r\n0\r\nA: b\r\n\r\n";

    #[test]
    fn takes_chunks_and_trailers_wherever_they_are_cut() {
        for cut in 0..BODY.len() {
            let mut chunked = Chunked::default();
            let ControlFlow::Continue(taken) = chunked.take(&BODY[..cut]).unwrap() else {
                panic!("it ended at {cut}");
            };
            let rest = [&BODY[taken..], b"POST"].concat();
            let end = chunked.take(&rest).unwrap();
            assert_eq!(end, ControlFlow::Break(BODY.len() - taken), "cut at {cut}");
            assert_eq!((&*chunked.start, chunked.length), (&b"hello"[..], 5));
        }
    }

    #[test]
    fn counts_what_it_does_not_keep() {
        let chunk = vec![b'x'; KEPT];
        let mut chunked = Chunked::default();
        let size = format!("{KEPT:x}\r\n");
        for bytes in [size.as_bytes(), &chunk, b"\r\n"]
            .into_iter()
            .cycle()
            .take(9)
        {
            let taken = chunked.take(bytes).unwrap();
            assert_eq!(taken, ControlFlow::Continue(bytes.len()));
        }
        assert_eq!(chunked.start, chunk);
        assert_eq!(chunked.length, 3 * KEPT as u64);
    }
}
