//! How a deadlock could come about: what each CPU does, step by step.

use schemars::JsonSchema;
use serde::Serialize;

use super::lock::Class;

/// A step of a scenario that ends in a deadlock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Step<'t> {
    /// The CPU that takes it, 0 or 1.
    pub cpu: u32,
    /// What it does.
    pub action: Action,
    /// The class of the lock that it takes.
    #[serde(flatten)]
    pub class: Option<Class<'t>>,
}

/// What a CPU does in a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It takes a lock.
    Lock,
    /// It takes a lock as a reader.
    ReadLock,
    /// It waits for what the lock stands for, a work item for example.
    Sync,
    /// It disables interrupts.
    LocalIrqDisable,
    /// An interrupt comes.
    Interrupt,
}

/// Where the column of the second CPU starts at the earliest; the first one's steps are indented by up to 4 blanks.
const SECOND: usize = 16;

impl<'t> Step<'t> {
    /// Reads a line of a scenario, with its blanks (kernel/locking/lockdep.c, `print_circular_lock_scenario`).
    pub(super) fn parse(line: &'t [u8]) -> Option<Step<'t>> {
        let text = line.trim_ascii_start();
        let cpu = u32::from(line.len() - text.len() >= SECOND);
        let text = text.trim_ascii_end();
        let plain = match text {
            b"local_irq_disable();" => Some(Action::LocalIrqDisable),
            b"<Interrupt>" => Some(Action::Interrupt),
            _ => None,
        };
        if let Some(action) = plain {
            return Some(Step { cpu, action, class: None });
        }
        let (action, class) = [("lock(", Action::Lock), ("rlock(", Action::ReadLock), ("sync(", Action::Sync)]
            .into_iter()
            .find_map(|(head, action)| Some((action, text.strip_prefix(head.as_bytes())?)))?;
        Some(Step { cpu, action, class: Some(Class::parse(class.strip_suffix(b");")?)) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps() {
        let step = |line: &'static str| {
            let Step { cpu, action, class } = Step::parse(line.as_bytes())?;
            Some((cpu, action, class.map(|class| class.to_string())))
        };
        assert_eq!(step("  lock(&a/1);"), Some((0, Action::Lock, Some("&a/1".into()))));
        assert_eq!(step("                               rlock(&b);"), Some((1, Action::ReadLock, Some("&b".into()))));
        assert_eq!(step("  <Interrupt>"), Some((0, Action::Interrupt, None)));
        assert_eq!(
            step("                               local_irq_disable();"),
            Some((1, Action::LocalIrqDisable, None))
        );
        assert_eq!(step("       CPU0                    CPU1"), None);
    }
}
