//! The table of formats. Facts from syzkaller (pkg/report/linux.go, Apache-2.0; see NOTICE).
//!
//! A row starts with its trigger, the shape of what the kernel prints, and the title. The first row with a trigger says when
//! the trigger is tried: the first one that a line holds names it.

use std::panic::Location;

use super::{Integrity, Pick, Recipe, Row, Step, Trap};
use crate::rules::Rules;
use Step::{CallTrace, InstructionPointer, Interrupted, Line, Origin, Stack};

#[track_caller]
const fn row(trigger: &'static str, shape: &'static str, title: &'static str) -> Row {
    Row {
        trigger,
        harmless: &[],
        shape,
        report: None,
        title,
        alternatives: &[],
        kind: None,
        recipe: steps(&[]),
        skip: &[],
        integrity: Integrity::Stack,
        trap: Trap::Nothing,
        goes_on: false,
        rules: Rules::Syzbot,
        line: Location::caller().line(),
    }
}

impl Row {
    const fn harmless(self, shapes: &'static [&'static str]) -> Row {
        Row { harmless: shapes, ..self }
    }

    const fn report(self, shape: &'static str) -> Row {
        Row { report: Some(shape), ..self }
    }

    const fn alt(self, titles: &'static [&'static str]) -> Row {
        Row { alternatives: titles, ..self }
    }

    const fn frames(self, recipe: Recipe) -> Row {
        Row { recipe, ..self }
    }

    const fn skip(self, functions: &'static [&'static str]) -> Row {
        Row { skip: functions, ..self }
    }

    const fn no_stack(self) -> Row {
        Row { integrity: Integrity::Nothing, ..self }
    }

    const fn corrupted(self) -> Row {
        Row { integrity: Integrity::Corrupted, ..self }
    }

    const fn trap(self, trap: Trap) -> Row {
        Row { trap, ..self }
    }

    const fn goes_on(self) -> Row {
        Row { goes_on: true, ..self }
    }

    const fn kind(self, name: &'static str) -> Row {
        Row { kind: Some(name), ..self }
    }

    const fn ksplat(self) -> Row {
        Row { rules: Rules::Ksplat, ..self }
    }
}

const fn steps(steps: &'static [Step]) -> Recipe {
    Recipe { steps, otherwise: &[], at_last: &[], pick: Pick::First }
}

const fn otherwise(otherwise: &'static [Step], recipe: Recipe) -> Recipe {
    Recipe { otherwise, ..recipe }
}

const fn at_last(at_last: &'static [&'static [Step]], recipe: Recipe) -> Recipe {
    Recipe { at_last, ..recipe }
}

const fn pick(pick: Pick, recipe: Recipe) -> Recipe {
    Recipe { pick, ..recipe }
}

/// The function of the instruction pointer, else the call trace below it.
const FAULT: Recipe = at_last(&[&[CallTrace, Stack]], steps(&[InstructionPointer, CallTrace, Stack]));
/// Only the function of the instruction pointer.
const POINTER: Recipe = at_last(&[&[CallTrace, Stack]], steps(&[InstructionPointer]));
/// The call trace.
const TRACE: Recipe = steps(&[CallTrace, Stack]);
/// Warnings: registers where there are some, else the call trace, else the headline.
const WARN: Recipe = at_last(
    &[&[Line("WARNING: … at %S %f")], &[Line("WARNING: …%S at %f")]],
    otherwise(&[CallTrace, Stack], steps(&[Interrupted, Stack])),
);
const FOLDED_WARN: Recipe = otherwise(&[CallTrace, Stack], steps(&[Line("WARNING: CPU: "), Stack]));
const CUT_WARN: Recipe = at_last(&[&[Line("WARNING: …at %f0x")], &[Line("WARNING: …at %S %w")], &[Stack]], WARN);
/// `f at address` below a lockdep headline, then the call trace.
const UNBALANCED: Recipe = steps(&[Line("%p%_%f"), CallTrace, Stack]);
const KFENCE: Recipe = steps(&[Line("BUG: KFENCE: …in %f"), Stack]);
const KMSAN: Recipe = at_last(&[&[Line("BUG: KMSAN: …in %f")]], steps(&[Stack, Origin, Stack]));
/// What the timer interrupted; else the task that blocks the grace period, then the CPU that was asked for its stack, then what
/// stands below the headline without more words (kernel/rcu/tree_stall.h, `print_cpu_stall`; kernel/rcu/tasks.h).
const RCU: Recipe = at_last(
    &[
        &[Line("rcu_node \\(CPUs …): P"), Line("task:"), CallTrace, Stack],
        &[Line("NMI backtrace for cpu"), InstructionPointer, CallTrace, Stack],
        &[Line("NMI backtrace for cpu"), CallTrace, Stack],
        &[Line("self-detected stall on CPU"), InstructionPointer, CallTrace, Stack],
        &[Line("self-detected stall on CPU"), CallTrace, Stack],
        &[Line("detected stalls on tasks:"), Line("task:"), CallTrace, Stack],
        &[Line("detected expedited stalls on"), CallTrace, Stack],
    ],
    otherwise(
        &[Line("(apic_timer_interrupt|Exception stack|el1h_64_irq)"), Stack],
        pick(Pick::Stall, steps(&[Line("apic_timer_interrupt"), InstructionPointer, Stack])),
    ),
);

/// Who allocates memory, and who says that there is none.
const ALLOCATORS: &[&str] = &[
    "dump_header",
    "oom_kill_process",
    "out_of_memory",
    "mem_cgroup_*",
    "*charge_memcg",
    "warn_alloc",
    "*alloc_pages*",
    "*get_free_page*",
    "get_zeroed_page*",
    "*alloc_folio*",
    "*folio_alloc*",
    "*vmalloc*",
    "vmap*",
    "*kmalloc*",
    "new_slab",
    "___slab_alloc",
];
const ALLOC_SKB: &str = "*alloc_skb*";
const KMSAN_USERS: &[&str] =
    &[ALLOC_SKB, "*netlink_ack*", "*netlink_rcv_skb*", "*_encrypt", "{crypto,cipher,drbg,rng}_*"];
const ODEBUG: &[&str] = &[
    "*debug_*",
    "*rcu*",
    "*hrtimer_*",
    "*timer_*",
    "*work_*",
    "*percpu_*",
    "*vunmap*",
    "*vfree*",
    "*__free_*",
    "*debug_check*",
    "*kobject_*",
];
const RCU_STALL: &[&str] = &["*apic_timer_interrupt*", "*rcu*"];
const RCU_USAGE: &[&str] = &["*rcu*", "*kmem*", "*slab*"];
const UBSAN: &[&str] = &["*ubsan*", "*overflow*"];
const USERCOPY: &[&str] = &["*usercopy*", "*__check*"];
const RUST_PANIC: &[&str] = &["*__rustc::rust_begin_unwind*"];
const LOCK_SOCK: &[&str] = &["*lock_sock*", "*release_sock*"];

/// Lines that hold `BUG:` and report none.
const NO_BUG: &[&str] = &["ODEBUG:", "Boot_DEBUG:", "xlog_status:", "DEBUG:", "BUG: no syscalls can create resource"];
const NO_WARNING: &[&str] = &[
    "WARNING: /etc/ssh/moduli does not exist, using fixed modulus",
    "WARNING: workqueue cpumask: online intersect > possible intersect",
    "WARNING: {The|the} mand mount option",
    "WARNING: Unsupported flag value\\(s) of 0x\\%x in DT_FLAGS_1",
    "WARNING: Unprivileged eBPF is enabled with eIBRS",
    "WARNING: fbcon: Driver '%l' missed to adjust virtual screen size \\(%dx%d vs. %dx%d)",
    "WARNING: See https… for mitigation options.",
    "WARNING: kernel not compiled with CPU_SRSO",
    "EXT4-{f|F}{s|S}:",
    "EXT4-{f|F}{s|S} \\(%l):",
    "warning: … uses deprecated v2 capabilities",
    "warning: … uses wireless extensions",
    "XFS \\(%w): WARNING",
];
const NO_INFO: &[&str] = &[
    "INFO: lockdep is turned off",
    "INFO: Stall ended before state dump start",
    "INFO: NMI handler",
    "INFO: recovery required on readonly filesystem",
    "{handler|interrupt}…took too long",
    "INFO: sys_… is not present in /proc/kallsyms",
    "INFO: no syscalls can create resource",
    "rmt_storage:INFO:",
    "_INFO:",
];

/// All rows.
pub(crate) const TABLE: &[Row] = &[
    row("BUG:", "BUG: KASAN:", "KASAN: {1} {3} in {f1}")
        .harmless(NO_BUG)
        .report("BUG: KASAN: %k in %f⏎{Read|Write} (of size|at addr) %x")
        .alt(&["bad-access in {f1}"])
        .frames(steps(&[Line("BUG: KASAN: …in %f"), CallTrace, Stack]))
        .skip(&["*kernel_fault*", "*tag_check*", "*mem_abort*", "el1_*", "el1h_*"]),
    row("BUG:", "BUG: KASAN:", "KASAN: invalid-free in {f1}")
        .report("BUG: KASAN: (double-free or invalid-free|double-free|invalid-free) in %F")
        .alt(&["invalid-free in {f1}"])
        .frames(steps(&[
            Line("BUG: KASAN: (double-free or invalid-free|double-free|invalid-free) in %f"),
            CallTrace,
            Stack,
        ]))
        .skip(&["*slab_*", "*kfree*", "*vunmap*", "*vfree*"]),
    row("BUG:", "BUG: KASAN: %k on address⏎{Read|Write} of size %d", "KASAN: {1} {2}"),
    row("BUG:", "BUG: KASAN: %k in %f", "KASAN: {1} in {2}").corrupted().ksplat(),
    row("BUG:", "BUG: KASAN: %r", "KASAN: {1}").corrupted(),
    row("BUG:", "BUG: KMSAN: kernel-usb-infoleak", "KMSAN: kernel-usb-infoleak in {f1}")
        .report("BUG: KMSAN: kernel-usb-infoleak in %F")
        .alt(&["KMSAN origin in {f2}"])
        .frames(KMSAN)
        .skip(&[
            ALLOC_SKB,
            "*usb_submit_urb*",
            "*usb_start_wait_urb*",
            "*usb_bulk_msg*",
            "*usb_interrupt_msg*",
            "*usb_control_msg*",
        ])
        .no_stack(),
    // The first KMSAN, before it was merged (6.1), printed a call trace with a head.
    row("BUG:", "BUG: KMSAN: %k in %F¶CPU: ", "KMSAN: {1} in {f1}")
        .alt(&["bad-access in {f1}"])
        .frames(steps(&[CallTrace, Stack, Origin, Stack]))
        .skip(KMSAN_USERS)
        .no_stack()
        .ksplat(),
    row("BUG:", "BUG: KMSAN:", "KMSAN: {1} in {f1}")
        .report("BUG: KMSAN: %k in %F")
        .alt(&["bad-access in {f1}"])
        .frames(KMSAN)
        .skip(KMSAN_USERS)
        .no_stack(),
    row("BUG:", "BUG: KCSAN: data-race", "KCSAN: {1}").report("BUG: KCSAN: %r").no_stack(),
    row("BUG:", "BUG: KCSAN:", "KCSAN: {1}").report("BUG: KCSAN: %r").no_stack(),
    row("BUG:", "BUG: KFENCE: {use-after-free|out-of-bounds} {read|write} in %F", "KFENCE: {1} {2} in {f1}")
        .alt(&["bad-access in {f1}"])
        .frames(KFENCE).trap(Trap::At),
    row("BUG:", "BUG: KFENCE: invalid free in %F", "KFENCE: invalid free in {f1}")
        .alt(&["invalid-free in {f1}"])
        .frames(KFENCE)
        .no_stack(),
    row("BUG:", "BUG: KFENCE: invalid {read|write} in %F", "KFENCE: invalid {1} in {f1}")
        .alt(&["bad-access in {f1}"])
        .frames(KFENCE).trap(Trap::At),
    row("BUG:", "BUG: KFENCE: memory corruption in %F", "KFENCE: memory corruption in {f1}").frames(KFENCE).no_stack(),
    row(
        "BUG:",
        "BUG: (unable to handle kernel paging request|unable to handle page fault for address|Unable to handle kernel data access)",
        "BUG: unable to handle kernel paging request in {f1}",
    )
    // Since f28b11a2abd9 ("x86/fault: Reword initial BUG message for unhandled page faults", 5.1): "page fault for address".
    .alt(&["bad-access in {f1}"])
    .frames(FAULT).trap(Trap::At),
    row(
        "BUG:",
        "BUG: (unable to handle kernel NULL pointer dereference|kernel NULL pointer dereference|Kernel NULL pointer dereference)",
        "BUG: unable to handle kernel NULL pointer dereference in {f1}",
    )
    .alt(&["bad-access in {f1}"])
    .frames(FAULT).trap(Trap::At),
    row("BUG:", "BUG: (unable|Unable) to handle kernel", "BUG: unable to handle kernel").corrupted().trap(Trap::At),
    row(
        "BUG:",
        "BUG: {spinlock|rwlock} {lockup suspected|already unlocked|recursion|cpu recursion|bad magic|wrong owner|wrong CPU|trylock failure on UP}",
        "BUG: {1} {2} in {f1}",
    )
    .frames(TRACE)
    .skip(&["*spin_*", "*_lock*", "*_unlock*"]),
    row("BUG:", "BUG: soft lockup", "BUG: soft lockup in {f1}").alt(&["stall in {f1}"]).frames(pick(Pick::Stall, FAULT)),
    row("BUG:", "BUG: …still has locks held!", "BUG: still has locks held in {1}")
        .report("BUG: …still has locks held!⏎%p%_%f"),
    row("BUG:", "BUG: scheduling while atomic", "BUG: scheduling while atomic in {f1}").frames(TRACE).skip(&["*schedule*"]),
    row("BUG:", "BUG: lock held when returning to user space", "BUG: lock held when returning to user space in {1}")
        .report("BUG: lock held when returning to user space⏎leaving the kernel with locks still held⏎at: %P%f")
        .no_stack(),
    row("BUG:", "BUG: bad unlock balance detected!", "BUG: bad unlock balance in {f1}").frames(UNBALANCED),
    row("BUG:", "BUG: held lock freed!", "BUG: held lock freed in {1}").report("BUG: held lock freed!⏎%p%_%f"),
    row("BUG:", "BUG: Bad rss-counter state", "BUG: Bad rss-counter state").no_stack(),
    row("BUG:", "BUG: non-zero nr_ptes on freeing mm", "BUG: non-zero nr_ptes on freeing mm").no_stack(),
    row("BUG:", "BUG: non-zero nr_pmds on freeing mm", "BUG: non-zero nr_pmds on freeing mm").no_stack(),
    row("BUG:", "BUG: Dentry … still in use", "BUG: Dentry still in use in {1}")
        .report("BUG: Dentry … still in use \\(%d) [{unmount} of %l]")
        .alt(&["BUG: Dentry still in use [{1} of {2}]"]),
    row("BUG:", "BUG: Bad page {state|cache}", "BUG: Bad page {1} in {f1}")
        .frames(at_last(&[&[CallTrace, Stack]], steps(&[Line("page last allocated"), Stack])))
        .skip(&[
            "bad_page*",
            "{kfree,kvfree,vfree}*",
            "*{free,put,get,update,release}_page*",
            "*free_unref*",
            "{,_,__,___}folio*",
            "*truncate_inode_pages*",
            "*page_frag_free*",
            "*alloc*",
            "*vmap*",
            "*page_owner*",
        ]),
    row("BUG:", "BUG: Bad page map", "BUG: Bad page map"),
    row("BUG:", "BUG: workqueue lockup", "BUG: workqueue lockup").no_stack(),
    row(
        "BUG:",
        "BUG: sleeping function called from invalid context at %r",
        "BUG: sleeping function called from invalid context in {f1}",
    )
    .frames(TRACE),
    row("BUG:", "BUG: using %i\\() in preemptible", "BUG: using {1}() in preemptible code in {f1}")
        .frames(TRACE)
        .skip(&["*dump_stack*", "*preemption*", "*preempt*", "*debug_*", "*processor_id*", "*this_cpu*"]),
    row("BUG:", "BUG: workqueue leaked lock or atomic", "BUG: workqueue leaked lock or atomic in {1}")
        .report("BUG: workqueue leaked lock or atomic⏎last function: %w%$")
        .no_stack(),
    row("BUG:", "BUG: memory leak", "memory leak in {f1}").frames(steps(&[Line("backtrace(:| (crc )"), Stack])).skip(&[
        "*kmemleak*",
        "*mmap*",
        "*kmem*",
        "*slab*",
        "*alloc*",
        "*create_object*",
        "*idr_get*",
        "*list_lru_init*",
        "*kasprintf*",
        "*kvasprintf*",
        "*pcpu_create*",
        "*strdup*",
        "*strndup*",
        "*memdup*",
    ]),
    row("BUG:", "BUG: …stack guard page was hit at", "BUG: stack guard page was hit in {f1}")
        .alt(&["stack-overflow in {f1}"])
        .frames(pick(Pick::Stall, FAULT)).trap(Trap::At),
    row("BUG:", "BUG: Invalid wait context", "WARNING: locking bug in {f1}").frames(TRACE).skip(LOCK_SOCK),
    row("BUG:", "BUG:%$", "BUG: corrupted").corrupted(),
    row("WARNING:", "WARNING: …lib/debugobjects.c… (debug_print|debug_check|at)", "WARNING: ODEBUG bug in {f1}")
        .harmless(NO_WARNING)
        .frames(WARN)
        .skip(ODEBUG),
    // `debug_print_object` is inlined where GCC finds one caller.
    row("WARNING:", "WARNING: …lib/debugobjects.c… debug_object_", "WARNING: ODEBUG bug in {f1}").frames(WARN).skip(ODEBUG).ksplat(),
    row("WARNING:", "WARNING: …mm/usercopy.c… (usercopy_warn|at)", "WARNING: bad usercopy in {f1}").frames(WARN).skip(USERCOPY),
    row("WARNING:", "WARNING: …lib/kobject.c… (kobject_|at)", "WARNING: kobject bug in {f1}").frames(WARN).skip(&["*kobject_*"]),
    row("WARNING:", "WARNING: …fs/proc/generic.c… (proc_register|at)", "WARNING: proc registration bug in {f1}")
        .frames(WARN)
        .skip(&["*proc_*"]),
    row("WARNING:", "WARNING: …lib/refcount.c… (refcount_|at)", "WARNING: refcount bug in {f1}")
        .frames(WARN)
        .skip(&["*refcount*", "*kobject_*"]),
    row("WARNING:", "WARNING: …kernel/locking/lockdep.c…lock_", "WARNING: locking bug in {f1}").frames(WARN).skip(LOCK_SOCK),
    row("WARNING:", "WARNING: …still has locks held!", "WARNING: still has locks held in {1}")
        .report("WARNING: …still has locks held!⏎at: %f"),
    row("WARNING:", "WARNING: Nested lock was not taken", "WARNING: nested lock was not taken in {f1}").frames(WARN),
    row("WARNING:", "WARNING: lock held when returning to user space", "WARNING: lock held when returning to user space in {1}")
        .report("WARNING: lock held when returning to user space⏎leaving the kernel with locks still held⏎at: %P%f")
        .no_stack(),
    row("WARNING:", "WARNING: …mm/….c… %m", "WARNING: kmalloc bug in {f1}")
        .frames(WARN)
        .skip(&["*kmalloc*", "*krealloc*", "*slab*", "*kmem*"]),
    row("WARNING:", "WARNING: …mm/vmalloc.c…__vmalloc_node", "WARNING: zero-size vmalloc in {f1}").frames(WARN),
    row("WARNING:", "WARNING: … usb_submit_urb", "WARNING in {f1}/usb_submit_urb").frames(WARN).skip(&[
        "*usb_submit_urb*",
        "*usb_start_wait_urb*",
        "*usb_bulk_msg*",
        "*usb_interrupt_msg*",
        "*usb_control_msg*",
    ]),
    row("WARNING:", "WARNING: %S at 0x%d, CPU#%d", "WARNING in {f1}").frames(WARN),
    row("WARNING:", "WARNING: … at %S %F", "WARNING in {f1}").frames(WARN),
    row("WARNING:", "WARNING: %S at %F", "WARNING in {f1}").frames(WARN),
    row("WARNING:", "WARNING: […] %S at %F", "WARNING in {f1}").frames(WARN),
    // Where the line was folded, or its rest is missing; without `CONFIG_DEBUG_BUGVERBOSE` there is no source.
    row("WARNING:", "WARNING: CPU: %d PID: %d at %S¶%~%f", "WARNING in {f1}").frames(FOLDED_WARN).ksplat(),
    row("WARNING:", "WARNING: CPU: %d PID: %d at ", "WARNING in {f1}").frames(CUT_WARN).ksplat(),
    row("WARNING:", "WARNING: possible circular locking dependency detected", "possible deadlock in {f1}")
        .report("WARNING: possible circular locking dependency detected⏎is trying to acquire lock")
        .frames(steps(&[Line("at: %P%f"), Line("at: %P%f"), Stack]))
        .skip(&["*process_one_work*", "*flush_workqueue*", "*drain_workqueue*", "*destroy_workqueue*"]),
    row("WARNING:", "WARNING: possible irq lock inversion dependency detected", "possible deadlock in {1}")
        .report("WARNING: possible irq lock inversion dependency detected⏎just changed the state of lock⏎at: %P%f"),
    row("WARNING:", "WARNING: …-safe -> …-unsafe lock order detected", "possible deadlock in {f1}")
        .frames(steps(&[Line("which became … at:"), Stack])),
    row("WARNING:", "WARNING: possible recursive locking detected", "possible deadlock in {1}")
        .report("WARNING: possible recursive locking detected⏎is trying to acquire lock⏎at: %P%f"),
    row("WARNING:", "WARNING: inconsistent lock state", "inconsistent lock state in {f1}")
        .report("WARNING: inconsistent lock state⏎takes⏎at: %P%f")
        .frames(TRACE),
    row("WARNING:", "WARNING: suspicious RCU usage", "WARNING: suspicious RCU usage in {f1}")
        .report("WARNING: suspicious RCU usage⏎%S")
        .frames(TRACE)
        .skip(RCU_USAGE),
    row(
        "WARNING:",
        "WARNING: kernel stack regs at %x in … has bad '%l' value",
        "WARNING: kernel stack regs has bad '{1}' value",
    )
    .no_stack(),
    row(
        "WARNING:",
        "WARNING: kernel stack frame pointer at %x in … has bad value",
        "WARNING: kernel stack frame pointer has bad value",
    )
    .no_stack(),
    row("WARNING:", "WARNING: bad unlock balance detected!", "WARNING: bad unlock balance in {f1}").frames(UNBALANCED),
    row("WARNING:", "WARNING: held lock freed!", "WARNING: held lock freed in {1}")
        .report("WARNING: held lock freed!⏎at:%~%P%f"),
    row("WARNING:", "WARNING: kernel stack regs … has bad 'bp' value", "WARNING: kernel stack regs has bad value").no_stack(),
    row("WARNING:", "WARNING: kernel stack frame pointer … has bad value", "WARNING: kernel stack regs has bad value").no_stack(),
    row("WARNING:", "WARNING:%$", "WARNING: corrupted").corrupted(),
    row("INFO:", "INFO: possible circular locking dependency detected", "possible deadlock in {1}")
        .harmless(NO_INFO)
        .report("INFO: possible circular locking dependency detected ]⏎is trying to acquire lock⏎at: %p%_%f"),
    row("INFO:", "INFO: possible irq lock inversion dependency detected", "possible deadlock in {1}")
        .report("INFO: possible irq lock inversion dependency detected ]⏎just changed the state of lock⏎at: %p%_%f"),
    row("INFO:", "INFO: SOFTIRQ-safe -> SOFTIRQ-unsafe lock order detected", "possible deadlock in {1}")
        .report("INFO: SOFTIRQ-safe -> SOFTIRQ-unsafe lock order detected ]⏎is trying to acquire⏎at: %p%_%f"),
    row("INFO:", "INFO: possible recursive locking detected", "possible deadlock in {1}")
        .report("INFO: possible recursive locking detected ]⏎is trying to acquire lock⏎at: %p%_%f"),
    row("INFO:", "INFO: inconsistent lock state", "inconsistent lock state in {1}")
        .report("INFO: inconsistent lock state ]⏎takes⏎at: %p%_%f"),
    row(
        "INFO:",
        "INFO: rcu_(preempt|sched|bh|tasks) (self-|)detected( expedited|) stall",
        "INFO: rcu detected stall in {f1}",
    )
    .alt(&["stall in {f1}"])
    .frames(RCU)
    .skip(RCU_STALL),
    row("INFO:", "INFO: rcu_tasks_trace detected stall", "INFO: rcu detected stall in {f1}")
        .alt(&["stall in {f1}"])
        .frames(RCU)
        .skip(RCU_STALL)
        .ksplat(),
    row("INFO:", "INFO: trying to register non-static key", "INFO: trying to register non-static key in {f1}")
        .frames(TRACE)
        .skip(&["*stack*", "*lock*", "*IRQ*"]),
    row("INFO:", "INFO: suspicious RCU usage", "INFO: suspicious RCU usage in {f1}")
        .report("INFO: suspicious RCU usage⏎%S")
        .frames(TRACE)
        .skip(RCU_USAGE),
    row("INFO:", "INFO: task %T blocked (in I/O wait |)for more than %d seconds", "INFO: task hung in {f1}")
        .alt(&["hang in {f1}"])
        .frames(pick(Pick::Hang, TRACE)),
    row("INFO:", "INFO: task %T can't die for more than … seconds", "INFO: task can't die in {f1}")
        .alt(&["hang in {f1}"])
        .frames(TRACE)
        .skip(&["*schedule*"]),
    row("INFO:", "INFO: {Freed|Allocated} in %f", "INFO: {1} in {2}").corrupted().ksplat(),
    row("INFO:", "INFO: {Freed|Allocated} in %r", "INFO: {1} in {2}").corrupted(),
    row("INFO:", "INFO:%$", "INFO: corrupted").corrupted(),
    row(
        "Unable to handle kernel",
        "Unable to handle kernel {paging request|NULL pointer dereference|access to user memory}",
        "BUG: unable to handle kernel {1} in {f1}",
    )
    .alt(&["bad-access in {f1}"])
    .frames(FAULT).trap(Trap::At),
    row("general protection fault", "general protection fault…:", "general protection fault in {f1}")
        .harmless(&["general protection fault…error:%d in "])
        .alt(&["bad-access in {f1}"])
        .frames(FAULT).trap(Trap::At),
    row("stack segment: ", "stack segment: ", "stack segment fault in {f1}").frames(FAULT).trap(Trap::At),
    row("Kernel panic", "Kernel panic - not syncing: stack-protector:", "kernel panic: stack is corrupted in {1}")
        .report("Kernel panic - not syncing: stack-protector: Kernel stack is corrupted in: %f")
        .no_stack(),
    row("Kernel panic", "Kernel panic - not syncing: stack-protector:", "kernel panic: stack is corrupted in {f1}")
        .report("Kernel panic - not syncing: stack-protector: Kernel stack is corrupted in: %x")
        .frames(TRACE)
        .skip(&["*stack_chk*"]),
    row("Kernel panic", "Kernel panic - not syncing: corrupted stack end", "kernel panic: corrupted stack end in {f1}")
        .report("Kernel panic - not syncing: corrupted stack end detected inside scheduler")
        .alt(&["stack-overflow in {f1}"])
        .frames(pick(Pick::Stall, TRACE))
        .skip(&["*schedule*", "*retint_kernel*"]),
    row("Kernel panic", "Kernel panic - not syncing: kernel stack overflow", "kernel stack overflow in {f1}")
        .alt(&["stack-overflow in {f1}"])
        .frames(pick(Pick::Stall, TRACE))
        .skip(&["*bad_stack*"]),
    row("Kernel panic", "Kernel panic - not syncing: Attempted to kill init!", "kernel panic: Attempted to kill init!"),
    row(
        "Kernel panic",
        "Kernel panic - not syncing: Couldn't open N_TTY ldisc for … --- error -%d",
        "kernel panic: Couldn't open N_TTY ldisc",
    ),
    row("Kernel panic", "Kernel panic - not syncing: Fatal exception", "kernel panic: Fatal exception").corrupted(),
    row("Kernel panic", "Kernel panic - not syncing: panic_on_warn set", "kernel panic: panic_on_warn set").corrupted(),
    row("Kernel panic", "Kernel panic - not syncing: hung_task: blocked tasks", "kernel panic: hung_task: blocked tasks")
        .corrupted(),
    // Panics that only repeat the report before them, as current kernels word them; all alone they say nothing of the crash.
    row(
        "Kernel panic",
        "Kernel panic - not syncing: …{panic_on_warn set|panic_on_kmsan set|panic_on_taint set|hung_task: blocked tasks}",
        "kernel panic: {1}",
    )
    .corrupted()
    .ksplat(),
    row(
        "Kernel panic",
        "Kernel panic - not syncing: …{Fatal exception|softlockup: hung tasks|RCU Stall|Hard LOCKUP|panic_on_oom is enabled}",
        "kernel panic: {1}",
    )
    .corrupted()
    .ksplat(),
    row("Kernel panic", "Kernel panic - not syncing: Fatal …machine check", "kernel panic: Fatal machine check").no_stack().ksplat(),
    row("Kernel panic", "Kernel panic - not syncing: %r", "kernel panic: {1}"),
    row("PANIC: double fault", "PANIC: double fault", "PANIC: double fault in {f1}").frames(POINTER).trap(Trap::At).goes_on(),
    // syzbot's list of types wants titles that start with `rust_kernel panicked`, which none does.
    row("rust_kernel: panicked", "rust_kernel: panicked", "{1} in {f1}")
        .report("rust_kernel: panicked at …¶%r")
        .frames(TRACE)
        .skip(RUST_PANIC)
        .kind("DoS")
        .ksplat(),
    row("rust_kernel: panicked", "rust_kernel: panicked", "{1} in {f1}")
        .report("rust_kernel: panicked at …¶%r")
        .frames(TRACE)
        .skip(RUST_PANIC),
    row("kernel BUG", "kernel BUG at mm/usercopy.c", "BUG: bad usercopy in {f1}").frames(TRACE).skip(USERCOPY).trap(Trap::At),
    row("kernel BUG", "kernel BUG at lib/list_debug.c", "BUG: corrupted list in {f1}")
        .alt(&["bad-access in {f1}"])
        .frames(TRACE).trap(Trap::At),
    row("kernel BUG", "kernel BUG at %r", "kernel BUG in {f1}").frames(FAULT).skip(&["skb_*"]).trap(Trap::At),
    // powerpc, without `CONFIG_DEBUG_BUGVERBOSE`.
    row("Kernel BUG", "Kernel BUG at %f", "kernel BUG in {1}").trap(Trap::At).ksplat(),
    row("Kernel BUG", "Kernel BUG %r", "kernel BUG {1}").trap(Trap::At),
    row("BUG kmalloc-", "BUG kmalloc-…: Object already free", "BUG: Object already free"),
    row("divide error:", "divide error: ", "divide error in {f1}").frames(POINTER).trap(Trap::At),
    row("divide_error:", "divide_error: ", "divide error in {f1}").frames(POINTER).trap(Trap::At),
    row("invalid opcode:", "invalid opcode: ", "invalid opcode in {f1}").frames(POINTER).trap(Trap::At),
    row("int3:", "int3: ", "int3 in {f1}").frames(FAULT).trap(Trap::Before),
    row("UBSAN:", "UBSAN:", "UBSAN: undefined-behaviour in {f1}")
        .report("UBSAN: Undefined behaviour in")
        .frames(TRACE)
        .skip(UBSAN),
    row("UBSAN:", "UBSAN: array-index-out-of-bounds in", "UBSAN: array-index-out-of-bounds in {f1}")
        .alt(&["bad-access in {f1}"])
        .frames(TRACE)
        .skip(UBSAN),
    row("UBSAN:", "UBSAN:", "UBSAN: {1} in {f1}").report("UBSAN: %l in").frames(TRACE).skip(UBSAN),
    row("Booting the kernel.", "^Booting the kernel", "unexpected kernel reboot")
        .harmless(&["Parsing ELF", "Decompressing Linux", "Unknown parameter '"])
        .no_stack(),
    row(
        "unregister_netdevice: waiting for",
        "unregister_netdevice: waiting for… to become free",
        "unregister_netdevice: waiting for DEV to become free",
    )
    .no_stack()
    .goes_on(),
    row("VFS: Close: file count is 0", "VFS: Close: file count is 0", "VFS: Close: file count is zero (use-after-free)").no_stack(),
    row("VFS: Busy inodes after unmount", "VFS: Busy inodes after unmount", "VFS: Busy inodes after unmount (use-after-free)")
        .no_stack(),
    row("Internal error:", "Internal error:", "Internal error in {f1}").alt(&["bad-access in {f1}"]).frames(FAULT).trap(Trap::At).goes_on(),
    row("Unhandled fault:", "Unhandled fault:", "Unhandled fault in {f1}").alt(&["bad-access in {f1}"]).frames(FAULT).trap(Trap::At),
    row("Alignment trap:", "Alignment trap:", "Alignment trap in {f1}").frames(FAULT).trap(Trap::At),
    row("trusty: panic", "trusty: panic… ASSERT FAILED", "trusty: ASSERT FAILED: {1}")
        .report("trusty: panic \\(…):( DEBUG|) ASSERT FAILED at \\(…): %n")
        .no_stack(),
    row("trusty: panic", "trusty: panic… ASSERT FAILED…:%~%r", "trusty: ASSERT FAILED: {1}").corrupted(),
    row("trusty: panic", "trusty: panic", "trusty: panic: {1}").report("trusty: panic \\(…): %n").no_stack(),
    row("fatal error:", "fatal error:", "go runtime error").harmless(&["ALSA", "fatal error: cannot create timer"]).no_stack(),
    row("SYZFAIL:", "SYZFAIL:%r", "SYZFAIL:{1}").no_stack(),
    row("SYZFATAL:", "SYZFATAL:%r", "SYZFATAL:{1}").alt(&["SYZFATAL"]).no_stack(),
    row("panic:", "panic: Sentry detected … stuck task", "panic: Sentry detected stuck tasks")
        .harmless(&["_panic:", "xlog_status:", "ddb.onpanic:", "evtlog_status:"])
        .no_stack(),
    row("panic:", "panic:%r", "panic:{1}").no_stack(),
    row(": nobody cared", ": nobody cared \\(try booting with", "irq: nobody cared in {f1}")
        .frames(otherwise(&[Line("handlers:"), Line("threaded %p %w")], steps(&[Line("handlers:"), Line("%p %w")])))
        .skip(&["irq_default_primary_handler"])
        .no_stack()
        .kind("DoS")
        .ksplat(),
    row("hard LOCKUP on cpu ", "hard LOCKUP on cpu %d", "BUG: hard lockup in {f1}")
        .alt(&["stall in {f1}"])
        .frames(pick(Pick::Stall, FAULT))
        .kind("HANG")
        .ksplat(),
    row(" invoked oom-killer: ", " invoked oom-killer: gfp_mask=", "out of memory in {f1}")
        .frames(TRACE)
        .skip(ALLOCATORS)
        .kind("OOM")
        .ksplat(),
    row("ut of memory: Killed process ", "ut of memory: Killed process %d \\(%l)( |,)", "out of memory: killed {1}")
        .no_stack()
        .kind("OOM")
        .ksplat(),
    row(": page allocation failure: ", ": page allocation failure: order:%d", "page allocation failure in {f1}")
        .frames(TRACE)
        .skip(ALLOCATORS)
        .kind("ALLOCATION_FAILURE")
        .ksplat(),
    // mm/vmalloc.c: `vmalloc error` since 5.13, `vmalloc: allocation failure` before.
    row(": vmalloc error: size ", ": vmalloc error: size %d", "vmalloc failure in {f1}")
        .frames(TRACE)
        .skip(ALLOCATORS)
        .kind("ALLOCATION_FAILURE")
        .ksplat(),
    row(": vmalloc: allocation failure", ": vmalloc: allocation failure", "vmalloc failure in {f1}")
        .frames(TRACE)
        .skip(ALLOCATORS)
        .kind("ALLOCATION_FAILURE")
        .ksplat(),
    row(": Machine Check", ": {Machine Check Exception|Machine Check}: %d Bank %d:", "{1}").no_stack().kind("HARDWARE").ksplat(),
    row("Machine check events logged", "Machine check events logged", "Machine check events logged")
        .no_stack()
        .kind("HARDWARE")
        .ksplat(),
    row("error from APEI Generic", "error from APEI Generic", "Hardware error from APEI")
        .report("error from APEI Generic⏎event severity: %w")
        .no_stack()
        .kind("HARDWARE")
        .ksplat(),
    row(" CE memory ", " CE memory %l on %l (", "EDAC: CE memory {1} on {2}").no_stack().kind("HARDWARE").ksplat(),
    row(" UE memory ", " UE memory %l on %l (", "EDAC: UE memory {1} on {2}").no_stack().kind("HARDWARE").ksplat(),
];
