//! The test blocks of a log: where one opens, what belongs to it, and what git was told of it.

use super::Reader;
use crate::{log::Text, revision::*};

impl<'a> Reader<'a> {
    /// Opens a test block.
    pub(super) fn test(&mut self, hash: Text<'a>, compiler: Option<Text<'a>>) {
        let number = self.log.starts.len();
        let role = self.role.take().unwrap_or(match (&self.log.bisect, self.log.revisions.first()) {
            (Some(_), _) => Role::Bisect,
            (None, None) => Role::Original,
            (None, Some(first)) if first.hash == hash => Role::Config,
            _ => Role::Other,
        });
        let chosen = self.next.take_if(|next| next.hash == hash);
        let remaining = self.remaining.take_if(|_| chosen.is_some());
        self.log.revisions.push(Revision {
            title: chosen.map(|commit| commit.title),
            hash,
            role,
            release: self.release.take(),
            compiler,
            remaining,
            lines: (number, number),
            times: self.now.map(|now| (now, now)),
            ..Revision::default()
        });
    }

    /// Adds to the open test block; without one, its lines still make a block, of an unknown revision.
    pub(super) fn in_test(&mut self, add: impl FnOnce(&mut Revision<'a>)) {
        let number = self.log.starts.len();
        if self.log.revisions.is_empty() {
            let times = self.now.map(|now| (now, now));
            self.log.revisions.push(Revision { lines: (number, number), times, ..Revision::default() });
        }
        if let Some(test) = self.log.revisions.last_mut() {
            test.lines.1 = number;
            test.times = self.now.map(|now| (test.times.map_or(now, |(start, _)| start), now));
            add(test);
        }
    }

    /// Notes what git was told; a revision that was judged without a test becomes a block without runs.
    pub(super) fn decide(&mut self, hash: Text<'a>, decision: Decision) {
        let open = self.log.revisions.last().is_some_and(|test| test.hash == hash && test.decision.is_none());
        if !open {
            self.role = Some(Role::Bisect);
            self.test(hash, None);
        }
        if let Some(test) = self.log.revisions.last_mut() {
            test.decision = Some(decision);
        }
    }
}
