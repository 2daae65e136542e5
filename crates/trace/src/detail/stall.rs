//! RCU stalls: which flavour waits for whom, and for how long.

use schemars::JsonSchema;
use serde::Serialize;

use super::cursor::{Cursor, Text, text};

/// A grace period of RCU that does not end (kernel/rcu/tree_stall.h).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Stall<'t> {
    /// The flavour of RCU: `rcu_preempt`, `rcu_sched`, `rcu_tasks`.
    pub flavour: Text<'t>,
    /// The stalled CPU itself noticed.
    pub self_detected: bool,
    /// It is an expedited grace period.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub expedited: bool,
    /// The CPUs that stall.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cpus: Vec<StalledCpu<'t>>,
    /// The pids of the tasks that stall.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tasks: Vec<u32>,
    /// The CPU that noticed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detected_by: Option<u32>,
    /// How long the grace period lasts (`t=`), in jiffies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jiffies: Option<u64>,
    /// Number of the grace period (`g=`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grace_period: Option<i64>,
    /// How many callbacks wait (`q=`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queued: Option<u64>,
    /// For how many jiffies the kernel thread of RCU did not run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kthread_starved: Option<u64>,
}

/// A CPU that stalls.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct StalledCpu<'t> {
    /// The CPU.
    pub cpu: u32,
    /// Its state in letters: `...!` is a CPU that RCU's softirq does not reach.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flags: Option<Text<'t>>,
    /// How many ticks it took in this grace period.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ticks: Option<u64>,
    /// How many grace periods it is behind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub behind: Option<u64>,
    /// How it was idle (`idle=`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle: Option<Text<'t>>,
    /// Its softirqs at the start of the grace period and at the report (`softirq=`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub softirq: Option<Text<'t>>,
    /// How often RCU forced quiescent states (`fqs=`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fqs: Option<u64>,
}

impl<'t> Stall<'t> {
    /// Reads `rcu: INFO: rcu_preempt self-detected stall on CPU`, with or without the first word.
    pub(super) fn of_headline(line: &'t [u8]) -> Option<Stall<'t>> {
        let mut line = Cursor(line);
        let _ = line.skip("rcu: ");
        line.skip("INFO: rcu")?;
        let flavour = text(line.word());
        line.skip(" ")?;
        let self_detected = line.skip("self-detected stall on CPU").is_some();
        let expedited = line.skip("detected expedited stalls on CPUs/tasks:").is_some();
        if !self_detected && !expedited {
            line.skip("detected stalls on ")?;
            line.until(":")?;
        }
        let mut stall = Stall { flavour: format!("rcu{flavour}").into(), self_detected, expedited, ..Stall::default() };
        stall.braces(&mut line);
        if expedited {
            line.blanks();
            stall.jiffies = line.number();
        }
        stall.period(line);
        Some(stall)
    }

    /// Takes a line below the headline, behind its `rcu: `; false where it says nothing.
    pub(super) fn read(&mut self, line: &'t [u8]) -> bool {
        let text = line.strip_prefix(b"rcu:").unwrap_or(line).trim_ascii();
        self.take(Cursor(text)).is_some()
    }

    fn take(&mut self, mut line: Cursor<'t>) -> Option<()> {
        match line.0.first()? {
            b'(' => {
                line.skip("(")?;
                if line.skip("detected by ").is_some() {
                    self.detected_by = line.number();
                } else if !line.0.starts_with(b"t=") {
                    return None;
                }
                self.period(line);
            }
            b'T' => {
                line.skip("Tasks blocked on level-")?;
                line.until("): ")?;
                let words = line.0.split(|b| *b == b' ').filter_map(|word| word.strip_prefix(b"P"));
                self.tasks.extend(words.filter_map(|pid| Cursor(pid).number::<u32>()));
            }
            b'0'..=b'9' => {
                let cpu = line.number()?;
                line.skip("-")?;
                let flags = Some(text(line.until(": (")?)).filter(|flags| flags.len() <= 8)?;
                let mut found = StalledCpu { cpu, flags: Some(flags), ..StalledCpu::default() };
                let count = line.number()?;
                if line.skip(" GPs behind)").is_some() {
                    found.behind = Some(count);
                } else {
                    line.skip(" ticks this GP)")?;
                    found.ticks = Some(count);
                }
                let mut value = |name: &str| line.until(name).map(|_| text(line.word()));
                found.idle = value("idle=");
                found.softirq = value("softirq=");
                found.fqs = line.number_behind("fqs=");
                self.cpus.push(found);
            }
            // RCU-tasks (kernel/rcu/tasks.h): `task:sh … pid:300`, as the scheduler shows a task, and `P300: .n cpu: 1/1`.
            b't' if self.flavour.starts_with("rcu_tasks") => {
                line.skip("task:")?;
                line.until(" pid:")?;
                line.blanks();
                let pid = line.number()?;
                if !self.tasks.contains(&pid) {
                    self.tasks.push(pid);
                }
            }
            b'P' if self.flavour.starts_with("rcu_tasks") => {
                line.skip("P")?;
                let pid = line.number()?;
                line.skip(":")?;
                self.tasks.push(pid);
            }
            b'r' => {
                line.until(" kthread starved for ")?;
                self.kthread_starved = Some(line.number()?);
            }
            _ => return None,
        }
        Some(())
    }

    /// `{ 0-...D 1-.... P65 }`, as older kernels and expedited grace periods list who stalls.
    fn braces(&mut self, line: &mut Cursor<'t>) {
        let Some(list) = line.until("{").and_then(|_| line.until("}")) else { return };
        for word in list.split(|b| *b == b' ').filter(|word| !word.is_empty()) {
            if let Some(pid) = word.strip_prefix(b"P") {
                self.tasks.extend(Cursor(pid).number::<u32>());
            } else {
                let mut word = Cursor(word);
                if let Some(cpu) = word.number() {
                    let flags = word.skip("-").map(|()| text(word.0));
                    self.cpus.push(StalledCpu { cpu, flags, ..StalledCpu::default() });
                }
            }
        }
    }

    /// `t=10500 jiffies g=12345 q=67`.
    fn period(&mut self, mut line: Cursor<'_>) {
        self.jiffies = self.jiffies.or_else(|| line.number_behind("t="));
        if line.until("g=").is_some() {
            let negative = line.skip("-").is_some();
            let number: Option<i64> = line.number();
            self.grace_period = number.map(|number| if negative { -number } else { number });
        }
        self.queued = self.queued.or_else(|| line.number_behind("q="));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stall(lines: &[&'static str]) -> String {
        let mut stall = Stall::of_headline(lines[0].as_bytes()).expect("a stall");
        lines[1..].iter().for_each(|line| assert!(stall.read(line.as_bytes()), "{line}"));
        serde_json::to_string(&stall).expect("it is data")
    }

    #[test]
    fn a_cpu_notices_itself() {
        assert_eq!(
            stall(&[
                "rcu: INFO: rcu_preempt self-detected stall on CPU",
                "rcu: \t1-....: (10499 ticks this GP) idle=6d4/1/0x4000000000000000 softirq=12/13 fqs=5250 ",
                "rcu: \t(t=10500 jiffies g=-1173 q=67 ncpus=2)",
                "rcu: rcu_preempt kthread starved for 10400 jiffies! g-1173 f0x0 RCU_GP_WAIT_FQS(5) ->state=0x0 ->cpu=1",
            ]),
            r#"{"flavour":"rcu_preempt","self_detected":true,"cpus":[{"cpu":1,"flags":"....","ticks":10499,"idle":"6d4/1/0x4000000000000000","softirq":"12/13","fqs":5250}],"jiffies":10500,"grace_period":-1173,"queued":67,"kthread_starved":10400}"#
        );
    }

    #[test]
    fn another_cpu_notices() {
        assert_eq!(
            stall(&[
                "rcu: INFO: rcu_sched detected stalls on CPUs/tasks:",
                "rcu: \tTasks blocked on level-0 rcu_node (CPUs 0-1): P65/1:b..l P66",
                "rcu: \t0-...!: (1 GPs behind) idle=0/0/0x0 softirq=1/1 fqs=0",
                "\t(detected by 1, t=10502 jiffies, g=9, q=8 ncpus=2)",
            ]),
            r#"{"flavour":"rcu_sched","self_detected":false,"cpus":[{"cpu":0,"flags":"...!","behind":1,"idle":"0/0/0x0","softirq":"1/1","fqs":0}],"tasks":[65,66],"detected_by":1,"jiffies":10502,"grace_period":9,"queued":8}"#
        );
    }

    #[test]
    fn tasks_stall_a_grace_period_of_tasks() {
        let task =
            "task:sh              state:R  running task     stack:0     pid:300   tgid:300   ppid:1      flags:0x4008";
        let want = |flavour: &str| format!(r#"{{"flavour":"{flavour}","self_detected":false,"tasks":[300]}}"#);
        assert_eq!(stall(&["rcu: INFO: rcu_tasks detected stalls on tasks:", task]), want("rcu_tasks"));
        let trace = ["INFO: rcu_tasks_trace detected stalls on tasks:", "P300: .n cpu: 1/1", task];
        assert_eq!(stall(&trace), want("rcu_tasks_trace"));
    }

    #[test]
    fn lists_in_braces() {
        assert_eq!(
            stall(&[
                "INFO: rcu_sched detected expedited stalls on CPUs/tasks: { 0-... P7 } 10000 jiffies s: 1 root: 0x1/."
            ]),
            r#"{"flavour":"rcu_sched","self_detected":false,"expedited":true,"cpus":[{"cpu":0,"flags":"..."}],"tasks":[7],"jiffies":10000}"#
        );
        assert_eq!(
            stall(&["INFO: rcu_sched self-detected stall on CPU { 1}  (t=5 jiffies g=1 c=0 q=2)"]),
            r#"{"flavour":"rcu_sched","self_detected":true,"cpus":[{"cpu":1}],"jiffies":5,"grace_period":1,"queued":2}"#
        );
    }
}
