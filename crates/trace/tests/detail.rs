//! What reports say as data, on the logs of `testdata/reports`.

use serde_json::{Value, json};
use trace::detail::lockdep::Chain;
use trace::{Log, Report, Rules};

fn log(name: &str) -> Vec<u8> {
    let path = testkit::workspace_root().join("testdata/reports").join(name).with_extension("log");
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The first report's details as a record has them.
fn detail(name: &str) -> Value {
    let text = log(name);
    let log = Log::parse(&text, Rules::default());
    let report = Report::parse(&log.splats().next().expect("a splat"));
    serde_json::to_value(&report.detail).expect("it is data")
}

/// The values at these places of the details, `null` where there is none.
fn facts(name: &str, places: &[&str]) -> Vec<Value> {
    let detail = detail(name);
    places.iter().map(|place| detail.pointer(place).cloned().unwrap_or(Value::Null)).collect()
}

fn chain(name: &str) -> Chain<'static> {
    let text: &'static [u8] = log(name).leak();
    let log = Log::parse(text, Rules::default());
    let report = Report::parse(&log.splats().next().expect("a splat"));
    let chain = report.detail.lockdep.and_then(|lockdep| lockdep.chain).expect("a chain");
    // Each lock has the stack that shows how it was taken.
    for link in &chain.locks {
        let trace = &report.traces[link.trace.expect("a trace")];
        assert_eq!(trace.role.name(), "lock chain");
        let taken = ["pond_drain", "tank_fill", "pump_start"];
        let taken_in = trace.frames.iter().find(|frame| taken.contains(&frame.function)).expect("one takes it");
        let lock = link.lock.class.to_string();
        assert_eq!(taken_in.function[..4], lock[1..5], "{lock}");
    }
    chain
}

#[test]
fn a_cycle_compares_equal_from_both_ends() {
    let one = chain("lockdep/circular-three-locks");
    let other = chain("lockdep/circular-three-locks-other-end");
    assert_eq!(one.cycle.as_deref(), Some("&pond->lock -> &tank->mutex -> &pump->sem/1 -> &pond->lock"));
    assert_eq!(one.cycle, other.cycle);
    let classes = |chain: &Chain<'_>| chain.locks.iter().map(|link| link.lock.class.to_string()).collect::<Vec<_>>();
    assert_eq!(classes(&one), classes(&other));
    let numbers = |chain: &Chain<'_>| chain.locks.iter().map(|link| link.number).collect::<Vec<_>>();
    assert_eq!((numbers(&one), numbers(&other)), (vec![0, 1, 2], vec![2, 0, 1]));
    assert_ne!(chain_of("lockdep/circular"), one.cycle);
}

fn chain_of(name: &str) -> Option<String> {
    detail(name).pointer("/lockdep/chain/cycle").and_then(Value::as_str).map(str::to_owned)
}

#[test]
fn lockdep() {
    assert_eq!(
        facts(
            "lockdep/circular-three-locks",
            &[
                "/lockdep/problem",
                "/lockdep/task/comm",
                "/lockdep/wanted/class",
                "/lockdep/wanted/address",
                "/lockdep/wanted/usage/hardirq",
                "/lockdep/wanted/usage/hardirq_read",
                "/lockdep/wanted/wait/type",
                "/lockdep/held/class",
                "/lockdep/held/subclass",
                "/lockdep/held/at/function",
                "/lockdep/scenario/1/cpu",
                "/lockdep/scenario/1/class",
                "/locks_held/0/task/pid",
                "/locks_held/0/locks/0/at/offset",
            ]
        ),
        [
            json!("circular"),
            json!("pondtest"),
            json!("&pond->lock"),
            json!("0xffff88810a1b3c10"),
            json!("enabled"),
            json!("never"),
            json!("sleep"),
            json!("&pump->sem"),
            json!(1),
            json!("pump_start"),
            json!(1),
            json!("&tank->mutex"),
            json!(4021),
            json!(0x46),
        ]
    );
    assert_eq!(
        facts(
            "lockdep/unsafe-order",
            &[
                "/lockdep/problem",
                "/lockdep/context/softirq_count",
                "/lockdep/context/hardirqs_enabled",
                "/lockdep/wanted/class",
                "/lockdep/held/class",
                "/lockdep/irq_safe/class",
                "/lockdep/irq_safe/usage/softirq",
                "/lockdep/irq_unsafe/class",
                "/lockdep/wanted/wait/type",
                "/lockdep/scenario/4/action",
                "/locks_held/0/locks/0/wait/type",
            ]
        ),
        [
            json!("unsafe_order"),
            json!(2),
            json!(true),
            json!("&tank->level"),
            json!("&pond->rain"),
            json!("&pond->rain"),
            json!("in_interrupt"),
            json!("&tank->level"),
            json!("config"),
            json!("interrupt"),
            json!("config"),
        ]
    );
    assert_eq!(
        facts(
            "lockdep/inconsistent-state",
            &[
                "/lockdep/problem",
                "/lockdep/states",
                "/lockdep/task/comm",
                "/lockdep/wanted/class",
                "/lockdep/wanted/usage/softirq",
                "/lockdep/wanted/usage/reclaim",
                "/locks_held/0/locks/0/class",
            ]
        ),
        [
            json!("inconsistent_state"),
            json!(["SOFTIRQ-ON-W", "IN-SOFTIRQ-W"]),
            json!("swapper/1"),
            json!("&(&tank->level)->rlock"),
            json!("in_interrupt_and_enabled"),
            json!("enabled"),
            json!("(&tank->timer)"),
        ]
    );
    assert_eq!(
        facts(
            "lockdep/suspicious-rcu",
            &["/lockdep/problem", "/lockdep/rcu/source/line", "/lockdep/rcu/text", "/locks_held/0/count"]
        ),
        [json!("suspicious_rcu_usage"), json!(212), json!("suspicious rcu_dereference_protected() usage!"), json!(0)]
    );
}

#[test]
fn races() {
    assert_eq!(
        facts(
            "kcsan/data-race",
            &[
                "/sanitizer/name",
                "/race/accesses/0/kind",
                "/race/accesses/0/size",
                "/race/accesses/0/by",
                "/race/accesses/1/qualifier",
                "/race/accesses/1/by",
                "/race/accesses/1/trace",
                "/race/value",
            ]
        ),
        [
            json!("KCSAN"),
            json!("read_write"),
            json!(8),
            json!({"pid": 4021, "cpu": 0}),
            json!("marked"),
            json!({"interrupt": true, "cpu": 1}),
            json!(1),
            json!(["0x7", "0x8"]),
        ]
    );
    assert_eq!(
        facts("kcsan/unknown-origin", &["/race/unknown_origin", "/race/accesses/0/kind", "/race/accesses/1"]),
        [json!(true), json!("read"), Value::Null]
    );
}

#[test]
fn memory() {
    assert_eq!(
        facts(
            "kasan/use-after-free-with-times",
            &["/sanitizer/kind", "/access/kind", "/access/size", "/access/by/comm", "/object"]
        ),
        [
            json!("slab-use-after-free"),
            json!("read"),
            json!(8),
            json!("kworker/u8:2"),
            json!({
                "kind": "slab", "address": "0xffff88810a1b3c00", "size": 64, "cache": "kmalloc-64", "located": "16 bytes inside of",
                "region": ["0xffff88810a1b3c00", "0xffff88810a1b3c40"], "freed": true,
            }),
        ]
    );
    assert_eq!(
        facts(
            "kasan/stack-out-of-bounds",
            &["/access/kind", "/object/kind", "/object/task/pid", "/object/at/function", "/object/variables/1"]
        ),
        [
            json!("write"),
            json!("stack"),
            json!(4021),
            json!("tank_copy"),
            json!({"start": 48, "end": 64, "name": "name"})
        ]
    );
    assert_eq!(
        facts("kasan/global-out-of-bounds", &["/object/kind", "/object/at/function"]),
        [json!("global"), json!("tank_names")]
    );
    assert_eq!(
        facts("kfence/use-after-free-read", &["/access/kind", "/access/address", "/object"]),
        [
            json!("read"),
            json!("0xffff88823bd4ef40"),
            json!({
                "kind": "kfence", "name": "kfence-#166", "address": "0xffff88823bd4ef40", "size": 32, "cache": "kmalloc-32",
                "region": ["0xffff88823bd4ef40", "0xffff88823bd4ef60"],
            }),
        ]
    );
    assert_eq!(
        facts("kmsan/uninit-value", &["/uninit"]),
        [json!({
            "variable": "level", "bytes": [4, 7], "size": 8, "address": "0xffff88810a1b3c10", "user_address": "0x20000180",
        })]
    );
    assert_eq!(
        facts("leak/ioctl", &["/leak"]),
        [json!({
            "address": "0xffff88810a1b3c00", "size": 64, "by": {"comm": "pondtest", "pid": 4021}, "jiffies": 4_294_944_410u64,
            "age_ms": 14580,
        })]
    );
}

#[test]
fn traces_say_who() {
    let text = log("kasan/use-after-free-with-times");
    let log = Log::parse(&text, Rules::default());
    let report = Report::parse(&log.splats().next().expect("a splat"));
    let who: Vec<_> = report
        .traces
        .iter()
        .filter_map(|trace| trace.by.as_ref().map(|by| format!("{}: {}", trace.role.name(), json!(by))))
        .collect();
    assert_eq!(
        who,
        [
            r#"allocated: {"cpu":0,"pid":77,"seconds":100.250131}"#,
            r#"freed: {"cpu":0,"pid":77,"seconds":101.900393}"#,
            r#"page allocated: {"comm":"kworker/0:0","pid":5,"seconds":62.059}"#,
        ]
    );
}

#[test]
fn hangs() {
    assert_eq!(
        facts(
            "hang/hung-task-with-owner",
            &["/hang", "/locks_held/1/task/comm", "/locks_held/1/locks/2/class", "/locks_held/2/task/pid"]
        ),
        [
            json!({
                "kind": "hung_task", "task": {"comm": "pondtest", "pid": 4021}, "seconds": 143, "state": "D", "waits_for": "mutex",
                "owner": {"comm": "kworker/0:1", "pid": 77},
            }),
            json!("kworker/0:1"),
            json!("&tank->mutex"),
            json!(4021),
        ]
    );
    assert_eq!(
        facts("hang/rcu-stall-of-another-cpu", &["/stall"]),
        [json!({
            "flavour": "rcu_preempt", "self_detected": false, "detected_by": 0, "jiffies": 10502, "grace_period": 9173, "queued": 67,
            "kthread_starved": 10495, "tasks": [4021],
            "cpus": [{
                "cpu": 1, "flags": "...!", "behind": 1, "idle": "6d4c/1/0x4000000000000000", "softirq": "12170/12171", "fqs": 3,
            }],
        })]
    );
    assert_eq!(
        facts(
            "hang/expedited-rcu-stall",
            &["/stall/expedited", "/stall/cpus/0/flags", "/stall/tasks", "/stall/jiffies"]
        ),
        [json!(true), json!("...D"), json!([4021]), json!(10502)]
    );
    assert_eq!(facts("hang/soft-lockup", &["/hang/kind", "/hang/seconds"])[0], json!("soft_lockup"));
}

#[test]
fn faults() {
    assert_eq!(
        facts("oops/page-fault-write-with-registers", &["/page_fault", "/oops"]),
        [
            json!({
                "address": "0xffffc90012345000", "access": "write", "privilege": "supervisor", "mode": "supervisor",
                "error_code": "0x2", "cause": "not-present page", "page_tables": "PGD 100000067 P4D 100000067 PUD 1001d6067 PMD 0",
            }),
            json!({"error_code": "0x2", "count": 1, "options": ["SMP", "KASAN", "NOPTI"]}),
        ]
    );
    assert_eq!(
        facts("oops/null-ptr-deref-in-range", &["/protection_fault", "/oops/error_code"]),
        [
            json!({
                "address": "0xdffffc0000000003", "reason": "probably for non-canonical address", "kind": "null-ptr-deref",
                "range": ["0x18", "0x1f"],
            }),
            json!("0x0"),
        ]
    );
    assert_eq!(
        facts("oops/arm64-null-deref", &["/page_fault", "/oops/error_code"]),
        [
            json!({
                "address": "0x18", "access": "write", "error_code": "0x96000044", "cause": "level 0 translation fault",
                "page_tables": "pgd=0000000000000000, p4d=0000000000000000",
            }),
            json!("0x96000044"),
        ]
    );
}

#[test]
fn warnings() {
    assert_eq!(
        facts("warning/refcount", &["/message", "/refcount", "/source/file", "/source/line", "/source/function"]),
        [
            json!("refcount_t: underflow; use-after-free."),
            json!("underflow; use-after-free."),
            json!("lib/refcount.c"),
            json!(28),
            json!("refcount_warn_saturate"),
        ]
    );
    assert_eq!(
        facts("warning/debug-object", &["/debug_object", "/source/line"]),
        [
            json!({"kind": "free active", "state": "active", "object_type": "timer_list", "hint": "tank_timer+0x0/0xa0"}),
            json!(612),
        ]
    );
    assert_eq!(
        facts("ubsan/shift-out-of-bounds", &["/ubsan/kind", "/ubsan/value", "/ubsan/of_type"])[0],
        json!("shift-out-of-bounds")
    );
    assert_eq!(facts("bug/sleeping-in-atomic", &["/atomic/in_atomic"]), [json!(true)]);
}

#[test]
fn registers_stand_with_what_they_belong_to() {
    let text = log("oops/page-fault-write-with-registers");
    let log = Log::parse(&text, Rules::default());
    let report = Report::parse(&log.splats().next().expect("a splat"));
    let [kernel, user] = &report.registers[..] else { panic!("{:?}", report.registers) };
    assert_eq!(report.kernel_registers(), Some(kernel));
    let rip = kernel.rip.expect("a pointer");
    assert_eq!((rip.user, rip.at.function, rip.at.module), (false, "tank_fill", Some("pond")));
    let code = kernel.code.expect("code").code();
    assert_eq!((code.units.split(' ').nth(12), code.trapping), (Some("48"), Some(12)));
    assert_eq!(kernel.value("CR2"), Some(0xffff_c900_1234_5000));
    assert_eq!((kernel.trace, user.trace), (Some(0), Some(0)));
    assert!(user.rip.expect("a pointer").user);
    assert_eq!(user.value("ORIG_RAX"), Some(0x10));
    assert!(user.code.map(|line| line.code()).is_some_and(|code| code.missing.is_some() && code.units.is_empty()));
}

#[test]
fn arm64_has_code_below_the_trace() {
    let text = log("oops/arm64-null-deref");
    let log = Log::parse(&text, Rules::default());
    let report = Report::parse(&log.splats().next().expect("a splat"));
    let registers = report.kernel_registers().expect("registers");
    assert_eq!(registers.rip.map(|rip| rip.at.function), Some("tank_fill"));
    assert_eq!(registers.value("x29"), Some(0xffff_8000_80d3_bd20));
    let code = registers.code.expect("code").code();
    assert_eq!((&*code.units, code.trapping), ("d503201f a9be7bfd 910003fd f9000c01", Some(3)));
}

/// A second report of the same caller says nothing of the first.
#[test]
fn details_are_the_first_reports() {
    let mut text = log("warning/refcount");
    text.extend(log("oops/page-fault-write-with-registers"));
    let log = Log::parse(&text, Rules::default());
    let report = Report::parse(&log.splats().next().expect("a splat"));
    assert!(report.detail.refcount.is_some());
    assert_eq!(report.detail.page_fault, None);
}
