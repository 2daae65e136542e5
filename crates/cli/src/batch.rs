//! Many small logs at once: the members of an archive are looked at in parallel, and what is found comes in their order.

use std::io::{self, Read};
use std::ops::Range;

use rayon::prelude::*;

use crate::input::Input;

/// A log of at most so many bytes is read before it is looked at.
const SMALL: usize = 1 << 20;

/// Logs are looked at once they are so many bytes, or so many.
const BYTES: usize = 4 << 20;
const LOGS: usize = 1024;

/// Logs that one thread takes at once.
const TAKEN: usize = 16;

/// What comes next of an input.
pub enum Step<'s, T> {
    /// What was made of a small log.
    Small(T),
    /// A large log, to be read as it comes: its name and its bytes.
    Large(&'s str, &'s mut dyn Read),
}

/// Goes through the logs of an input in order; `small` looks at several small ones at the same time.
pub fn logs<T: Send>(
    input: &Input,
    small: impl Fn(&str, &[u8]) -> T + Sync,
    each: &mut dyn FnMut(Step<'_, T>) -> io::Result<()>,
) -> io::Result<()> {
    let mut batch = Batch::default();
    let done = input.read(&mut |name, bytes| {
        let start = batch.bytes.len();
        let read = Read::take(&mut *bytes, SMALL as u64 + 1).read_to_end(&mut batch.bytes);
        if batch.bytes.len() - start > SMALL {
            let head = batch.bytes.split_off(start);
            batch.hand_on(&small, each)?;
            return each(Step::Large(name, &mut head.chain(bytes)));
        }
        // What can be read of a damaged log counts.
        batch.logs.push((name.to_owned(), start..batch.bytes.len()));
        read?;
        if batch.bytes.len() >= BYTES || batch.logs.len() >= LOGS { batch.hand_on(&small, each) } else { Ok(()) }
    });
    batch.hand_on(&small, each).and(done)
}

/// Logs that were read, one behind the other.
#[derive(Default)]
struct Batch {
    bytes: Vec<u8>,
    logs: Vec<(String, Range<usize>)>,
}

impl Batch {
    fn hand_on<T: Send>(
        &mut self,
        small: &(impl Fn(&str, &[u8]) -> T + Sync),
        each: &mut dyn FnMut(Step<'_, T>) -> io::Result<()>,
    ) -> io::Result<()> {
        let look = |(name, range): &(String, Range<usize>)| small(name, &self.bytes[range.clone()]);
        let made: Vec<T> = match &self.logs[..] {
            [log] => vec![look(log)],
            logs => logs.par_iter().with_min_len(TAKEN).map(look).collect(),
        };
        self.logs.clear();
        self.bytes.clear();
        made.into_iter().try_for_each(|made| each(Step::Small(made)))
    }
}
