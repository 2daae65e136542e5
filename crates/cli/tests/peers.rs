//! The chains of every captured log against independent readers: llvm-symbolizer for the kernel, eu-addr2line for modules.
//!
//! Needs `KSPLAT_VMLINUX` (`make test` sets it) and both tools; says so where something is missing.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

/// A frame of a log, as the record gives it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Frame {
    module: Option<String>,
    function: String,
    offset: u64,
    size: u64,
    exact: bool,
    reliable: bool,
}

/// Function, file and line, innermost first.
type Chain = Vec<(String, String, u64)>;

/// The one explained difference. A doubted frame `? f+0x20/0x20` is what was left on the stack: a pointer to the start of
/// the function behind `f`, not a return address. The byte before it is padding behind `f`'s code, which no function's
/// DWARF range covers: llvm gives the last line of `f` without a name, elfutils gives nothing, and we either name
/// `f` by its symbol with that same line, or say that there is no debug information.
fn is_explained(frame: &Frame) -> bool {
    frame.offset == frame.size && !frame.reliable
}

/// A name without what compilers add: peers differ in showing it.
fn plain(name: &str) -> String {
    name.split('.').next().unwrap().to_owned()
}

/// Runs a tool with text on its standard input.
fn ask(command: &mut Command, questions: &str) -> String {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let questions = questions.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(questions.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

fn is_there(tool: &str) -> bool {
    Command::new(tool).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|s| s.success())
}

/// Our chains of all frames in the captured logs.
fn ours(vmlinux: &Path) -> BTreeMap<Frame, Result<Chain, String>> {
    let root = testkit::workspace_root();
    let mut logs: Vec<_> = std::fs::read_dir(root.join("testdata/logs")).unwrap().map(|e| e.unwrap().path()).collect();
    logs.retain(|path| path.extension().is_some_and(|e| e == "log"));
    assert!(logs.len() > 40);
    let kernel_modules = std::env::var_os("KSPLAT_KERNEL_DIR").unwrap_or_else(|| root.join("testdata/lab/ko").into());
    let output = Command::new(env!("CARGO_BIN_EXE_ksplat"))
        .args(["decode", "--format", "ndjson", "--vmlinux"])
        .arg(vmlinux)
        .arg("--modules")
        .arg(root.join("testdata/lab/ko"))
        .arg("--modules")
        .arg(kernel_modules)
        .args(&logs)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let mut frames = BTreeMap::new();
    for line in output.stdout.split(|b| *b == b'\n').filter(|line| !line.is_empty()) {
        let record: Value = serde_json::from_slice(line).unwrap();
        for trace in record["traces"].as_array().into_iter().flatten() {
            for frame in trace["frames"].as_array().unwrap() {
                let Some(function) = frame["function"].as_str() else { continue };
                let key = Frame {
                    module: frame["module"].as_str().map(str::to_owned),
                    function: function.to_owned(),
                    offset: frame["offset"].as_u64().unwrap(),
                    size: frame["size"].as_u64().unwrap(),
                    exact: frame["exact"].as_bool().unwrap(),
                    reliable: frame["reliable"].as_bool().unwrap(),
                };
                let chain = match frame["miss"].as_str() {
                    Some(why) => Err(why.to_owned()),
                    None => Ok(chain(frame["calls"].as_array().unwrap())),
                };
                frames.insert(key, chain);
            }
        }
    }
    frames
}

fn chain(calls: &[Value]) -> Chain {
    let call = |call: &Value| {
        let file = call["file"].as_str().unwrap_or("??").to_owned();
        (plain(call["function"].as_str().unwrap()), file, call["line"].as_u64().unwrap_or(0))
    };
    calls.iter().map(call).collect()
}

/// True where two chains agree; ours has paths below the source tree, the peer's are those of the build.
fn agree(ours: &Chain, theirs: &Chain) -> bool {
    let same = |(a, b): (&(String, String, u64), &(String, String, u64))| {
        a.0 == b.0 && a.2 == b.2 && (b.1.ends_with(a.1.trim_start_matches("./")) || a.1.ends_with(&b.1))
    };
    ours.len() == theirs.len() && ours.iter().zip(theirs).all(same)
}

/// Compares, and lists what differs and is not explained.
fn compare(pairs: &[(Frame, Result<Chain, String>, Chain)]) {
    let mut wrong = Vec::new();
    let mut explained = 0;
    for (frame, ours, theirs) in pairs {
        if ours.as_ref().is_ok_and(|ours| agree(ours, theirs)) {
            continue;
        }
        if is_explained(frame) {
            explained += 1;
            println!("explained: {frame:?}\n  ours   {ours:?}\n  theirs {theirs:?}");
            continue;
        }
        wrong.push(format!("{frame:?}\n  ours   {ours:?}\n  theirs {theirs:?}"));
    }
    println!("compared {} chains: {explained} differences, all explained", pairs.len());
    assert!(wrong.is_empty(), "{} of {} chains differ:\n{}", wrong.len(), pairs.len(), wrong.join("\n"));
}

#[test]
fn kernel_frames_agree_with_llvm() {
    let Some(vmlinux) = testkit::vmlinux_or_skip("peers::kernel_frames_agree_with_llvm") else { return };
    if !is_there("llvm-symbolizer") || !is_there("nm") {
        println!("skipped: peers::kernel_frames_agree_with_llvm: llvm-symbolizer or nm is missing");
        return;
    }
    let symbols = ask(Command::new("nm").arg("-n").arg(&vmlinux), "");
    let mut by_name: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    let mut addresses = Vec::new();
    for line in symbols.lines() {
        let mut words = line.split(' ');
        let (Some(address), Some(kind), Some(name)) = (words.next(), words.next(), words.next()) else { continue };
        let Ok(address) = u64::from_str_radix(address, 16) else { continue };
        if matches!(kind, "t" | "T" | "w" | "W") {
            by_name.entry(name).or_default().push(address);
        }
        addresses.push(address);
    }
    addresses.dedup();
    let size = |address: u64| addresses.get(addresses.partition_point(|a| *a <= address)).map(|next| next - address);
    let mut questions = String::new();
    let mut asked = Vec::new();
    for (frame, chain) in ours(&vmlinux).into_iter().filter(|(frame, _)| frame.module.is_none()) {
        let known = by_name.get(frame.function.as_str()).unwrap();
        let fitting: Vec<u64> = known.iter().copied().filter(|a| size(*a) == Some(frame.size)).collect();
        let [address] = fitting[..] else { panic!("{frame:?} is at one of {known:x?}") };
        questions.push_str(&format!("{:#x}\n", address + frame.offset - u64::from(!frame.exact)));
        asked.push((frame, chain));
    }
    let answers = ask(
        Command::new("llvm-symbolizer")
            .args(["--inlines", "--functions=linkage", "--output-style=JSON"])
            .arg(format!("--obj={}", vmlinux.display())),
        &questions,
    );
    let answers: Vec<Value> = answers.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers.len(), asked.len());
    let pairs: Vec<_> = asked
        .into_iter()
        .zip(&answers)
        .map(|((frame, ours), answer)| {
            let theirs = answer["Symbol"].as_array().unwrap().iter().map(|call| {
                let file = call["FileName"].as_str().unwrap().replace("/./", "/");
                (plain(call["FunctionName"].as_str().unwrap()), file, call["Line"].as_u64().unwrap())
            });
            (frame, ours, theirs.collect())
        })
        .collect();
    assert!(pairs.len() > 100);
    compare(&pairs);
}

#[test]
fn module_frames_agree_with_elfutils() {
    let Some(vmlinux) = testkit::vmlinux_or_skip("peers::module_frames_agree_with_elfutils") else { return };
    if !is_there("eu-addr2line") || !is_there("readelf") {
        println!("skipped: peers::module_frames_agree_with_elfutils: eu-addr2line or readelf is missing");
        return;
    }
    let mut pairs = Vec::new();
    let frames = ours(&vmlinux);
    for module in ["crashme", "crashlib"] {
        let ko = testkit::workspace_root().join(format!("testdata/lab/ko/{module}.ko"));
        let symbols = symbols(&ko);
        for (frame, chain) in frames.iter().filter(|(frame, _)| frame.module.as_deref() == Some(module)) {
            let [(section, value)] = &symbols[&frame.function][..] else { panic!("{frame:?} is ambiguous") };
            let place = format!("{:#x}", value + frame.offset - u64::from(!frame.exact));
            let output = Command::new("eu-addr2line")
                .args(["-j", section, "-i", "-f", "-e"])
                .arg(&ko)
                .arg(&place)
                .output()
                .unwrap();
            let text = String::from_utf8(output.stdout).unwrap();
            pairs.push((frame.clone(), chain.clone(), elfutils(&text)));
        }
    }
    assert!(pairs.len() > 50);
    compare(&pairs);
}

/// Section and value of each function of a relocatable file, by name.
fn symbols(ko: &Path) -> BTreeMap<String, Vec<(String, u64)>> {
    let text = ask(Command::new("readelf").args(["-SsW"]).arg(ko), "");
    let mut sections = BTreeMap::new();
    let mut symbols: BTreeMap<String, Vec<(String, u64)>> = BTreeMap::new();
    for line in text.lines() {
        if let Some((number, rest)) = line.trim_start().strip_prefix('[').and_then(|l| l.split_once(']')) {
            let name = rest.split_whitespace().next().unwrap_or("").to_owned();
            sections.insert(number.trim().to_owned(), name);
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        if let [_, value, _, "FUNC", _, _, section, name] = words[..]
            && let Some(section) = sections.get(section)
        {
            symbols
                .entry(name.to_owned())
                .or_default()
                .push((section.clone(), u64::from_str_radix(value, 16).unwrap()));
        }
    }
    symbols
}

/// `function`, `file:line`, and for each call around it `function inlined at …` in elfutils' form.
fn elfutils(text: &str) -> Chain {
    let lines: Vec<&str> = text.lines().collect();
    let call = |pair: &[&str]| {
        let function = pair[0].split(" inlined at ").next().unwrap();
        let place = pair[1].split(" (").next().unwrap();
        let mut parts = place.rsplitn(3, ':');
        let last = parts.next().unwrap();
        let (file, line) = match (parts.next(), parts.next()) {
            (Some(line), Some(file)) if line.parse::<u64>().is_ok() => (file, line),
            (Some(file), _) => (file, last),
            _ => (place, "0"),
        };
        (plain(function), file.replace("/./", "/"), line.parse().unwrap_or(0))
    };
    lines.chunks(2).filter(|pair| pair.len() == 2).map(call).collect()
}
