//! Many small logs at once: the members of an archive are looked at in parallel, and what is found comes in their order.

use std::io::{self, Read};
use std::ops::Range;
use std::sync::mpsc::{Receiver, TryRecvError, channel};

use rayon::{Scope, Yield, prelude::*};

use crate::input::Input;

/// A log of at most so many bytes is read before it is looked at.
const SMALL: usize = 1 << 20;

/// Bytes of the first room for logs; it is doubled as often as they need more.
const ROOM: usize = 64 << 10;

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

/// Goes through the logs of an input in order; `small` looks at several small ones at the same time, while others are read.
pub fn logs<T: Send>(
    input: &Input,
    small: impl Fn(&str, &[u8]) -> T + Sync,
    each: &mut dyn FnMut(Step<'_, T>) -> io::Result<()>,
) -> io::Result<()> {
    rayon::in_place_scope(|scope| {
        let mut looks = Looks { small: &small, running: None };
        let mut batch = Batch::default();
        let done = input.read(&mut |name, bytes| {
            let start = batch.read;
            let read = batch.read_log(bytes);
            if batch.read - start > SMALL {
                let head = batch.take_from(start);
                looks.begin(scope, std::mem::take(&mut batch), each)?;
                batch = looks.end(each)?;
                return each(Step::Large(name, &mut head.chain(bytes)));
            }
            // What can be read of a damaged log counts.
            batch.logs.push((name.to_owned(), start..batch.read));
            read?;
            if batch.read >= BYTES || batch.logs.len() >= LOGS {
                batch = looks.begin(scope, std::mem::take(&mut batch), each)?;
            }
            Ok(())
        });
        looks.begin(scope, batch, each)?;
        looks.end(each)?;
        done
    })
}

/// Logs that were read, one behind the other.
#[derive(Default)]
struct Batch {
    bytes: Vec<u8>,
    /// How many of the bytes are read; the others are room.
    read: usize,
    logs: Vec<(String, Range<usize>)>,
}

impl Batch {
    /// Reads a log to its end, or until it is no small one.
    fn read_log(&mut self, log: &mut dyn Read) -> io::Result<()> {
        let most = self.read + SMALL + 1;
        while self.read < most {
            if self.read == self.bytes.len() {
                self.bytes.resize((2 * self.read).max(ROOM).min(most), 0);
            }
            let end = most.min(self.bytes.len());
            match log.read(&mut self.bytes[self.read..end]) {
                Ok(0) => break,
                Ok(read) => self.read += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Takes what was read from `start` on.
    fn take_from(&mut self, start: usize) -> Vec<u8> {
        let mut taken = if start == 0 { std::mem::take(&mut self.bytes) } else { self.bytes[start..].to_vec() };
        taken.truncate(self.read - start);
        self.read = start;
        taken
    }

    fn look<T: Send>(&self, small: &(impl Fn(&str, &[u8]) -> T + Sync)) -> Vec<T> {
        let look = |(name, range): &(String, Range<usize>)| small(name, &self.bytes[range.clone()]);
        match &self.logs[..] {
            [log] => vec![look(log)],
            logs if rayon::current_num_threads() == 1 => logs.iter().map(look).collect(),
            logs => logs.par_iter().with_min_len(TAKEN).map(look).collect(),
        }
    }

    fn clear(&mut self) {
        self.logs.clear();
        self.read = 0;
    }
}

/// Looks at batches, one at a time.
struct Looks<'s, S, T> {
    small: &'s S,
    /// What is made of the batch that was begun last, and the batch.
    running: Option<Receiver<(Batch, Vec<T>)>>,
}

impl<'s, S: Fn(&str, &[u8]) -> T + Sync, T: Send + 's> Looks<'s, S, T> {
    /// Begins to look at a batch, hands on what was made of the one before, and gives an empty one to read into.
    fn begin(
        &mut self,
        scope: &Scope<'s>,
        mut batch: Batch,
        each: &mut dyn FnMut(Step<'_, T>) -> io::Result<()>,
    ) -> io::Result<Batch> {
        let small = self.small;
        // One log, or one thread: there is nothing to do meanwhile.
        if batch.logs.len() < 2 || rayon::current_num_threads() == 1 {
            let empty = self.end(each)?;
            hand_on(batch.look(small), each)?;
            batch.clear();
            return Ok(if empty.bytes.len() > batch.bytes.len() { empty } else { batch });
        }
        let empty = self.end(each)?;
        let (sender, receiver) = channel();
        scope.spawn(move |_| {
            let made = batch.look(small);
            // Nobody waits for it where nothing more can be written.
            let _ = sender.send((batch, made));
        });
        self.running = Some(receiver);
        Ok(empty)
    }

    /// Waits for the batch that was begun last, hands on what was made of it, and gives it back empty.
    fn end(&mut self, each: &mut dyn FnMut(Step<'_, T>) -> io::Result<()>) -> io::Result<Batch> {
        let Some(running) = self.running.take() else { return Ok(Batch::default()) };
        let (mut batch, made) = wait(&running)?;
        hand_on(made, each)?;
        batch.clear();
        Ok(batch)
    }
}

fn hand_on<T>(made: Vec<T>, each: &mut dyn FnMut(Step<'_, T>) -> io::Result<()>) -> io::Result<()> {
    made.into_iter().try_for_each(|made| each(Step::Small(made)))
}

/// Waits for a result; a thread that others count on for theirs works on those meanwhile.
fn wait<T>(running: &Receiver<T>) -> io::Result<T> {
    loop {
        match running.try_recv() {
            Ok(made) => return Ok(made),
            Err(TryRecvError::Disconnected) => return Err(io::Error::other("a thread failed")),
            Err(TryRecvError::Empty) => {}
        }
        match rayon::yield_now() {
            Some(Yield::Executed) => {}
            Some(Yield::Idle) => std::thread::yield_now(),
            None => return running.recv().map_err(io::Error::other),
        }
    }
}
