//! What fuzzing found (`testdata/fuzz/<target>/<what is special>`) breaks no law any more.

use std::fs;

use laws::{Input, TARGETS, Target};
use testkit::mutate::FORMS;

#[test]
fn findings_break_no_law() {
    let folder = testkit::workspace_root().join("testdata/fuzz");
    let mut broken = Vec::new();
    for path in testkit::files(&folder) {
        let name = path.strip_prefix(&folder).expect("it lies there").to_string_lossy().into_owned();
        let target = name.split('/').next().and_then(Target::named);
        let target = target.unwrap_or_else(|| panic!("{name}: there is no such target"));
        broken.extend(target.broken(&fs::read(&path).expect("a file")).map(|how| format!("{name}: {how}")));
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn every_target_is_built() {
    let files = testkit::files(&testkit::workspace_root().join("crates/fuzz/targets"));
    let mut built: Vec<_> = files.iter().filter_map(|path| path.file_stem()?.to_str()).collect();
    let mut names: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
    names.sort_unstable();
    built.sort_unstable();
    assert_eq!(built, names);
    for path in &files {
        let name = path.file_stem().expect("a name").to_string_lossy();
        let source = fs::read_to_string(path).expect("a source");
        assert!(source.contains(&format!("laws::fuzz(\"{name}\", input)")), "{source}");
    }
}

#[test]
fn every_format_of_captures_has_a_target() {
    let mut targets: Vec<_> =
        TARGETS.iter().filter_map(|t| if let Input::Capture(format) = t.input { Some(format) } else { None }).collect();
    let mut formats: Vec<_> = FORMS.iter().map(|form| form.format).collect();
    targets.sort_unstable();
    formats.sort_unstable();
    formats.dedup();
    assert_eq!(targets, formats);
}
