//! The schemas that `ksplat schema` prints, held against the records that the commands write.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use jsonschema::Validator;
use serde_json::{Map, Value, json};

fn ksplat(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_ksplat")).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The schema; a strict one knows no properties but those that it names.
fn schema(records: &str) -> Value {
    serde_json::from_str(&ksplat(&["schema", records])).unwrap()
}

fn strict(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if members.contains_key("properties") {
                members.insert("additionalProperties".into(), json!(false));
            }
            members.values_mut().for_each(strict);
        }
        Value::Array(items) => items.iter_mut().for_each(strict),
        _ => {}
    }
}

fn strict_validator() -> Validator {
    strict_validator_of("report")
}

fn strict_validator_of(records: &str) -> Validator {
    let mut schema = schema(records);
    strict(&mut schema);
    jsonschema::validator_for(&schema).unwrap()
}

fn records(folder: &Path) -> Vec<Map<String, Value>> {
    let lines = ksplat(&["report", "--quiet", "--format", "ndjson", folder.to_str().unwrap()]);
    let records: Vec<_> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(!records.is_empty(), "{}", folder.display());
    records
}

fn own_records() -> Vec<Map<String, Value>> {
    let data = testkit::workspace_root().join("testdata");
    ["reports", "logs"].iter().flat_map(|folder| records(&data.join(folder))).collect()
}

#[test]
fn records_are_what_the_schema_says() {
    let validator = strict_validator();
    let mut all = own_records();
    if let Some(shared) = testkit::shared_or_skip("records_are_what_the_schema_says") {
        all.extend(records(&shared.join("corpus/report")));
    }
    for record in all {
        let title = record["title"].clone();
        let wrong: Vec<String> =
            validator.iter_errors(&record.into()).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert_eq!(wrong, [""; 0], "{title}");
    }
}

#[test]
fn explanations_are_what_their_schemas_say() {
    let data = testkit::workspace_root().join("testdata/reports");
    let valid = |records: &str, arguments: &[&str]| {
        let validator = strict_validator_of(records);
        let lines = ksplat(&[&["explain", "--quiet", "--format", "ndjson"], arguments].concat());
        for line in lines.lines() {
            let record: Value = serde_json::from_str(line).unwrap();
            let wrong: Vec<String> =
                validator.iter_errors(&record).map(|e| format!("{}: {e}", e.instance_path())).collect();
            assert_eq!(wrong, [""; 0], "{line}");
            let mut other = record.clone();
            other.as_object_mut().unwrap().insert("unknown".into(), json!(1));
            assert!(!validator.is_valid(&other), "a strict schema knows its properties");
        }
        lines.lines().count()
    };
    let path = |name: &str| data.join(name).to_str().unwrap().to_owned();
    assert!(valid("explain", &["--rules", "ksplat", data.to_str().unwrap()]) > 100);
    let pair = [path("kasan/uaf-read.log"), path("warning/warn.log")];
    assert_eq!(valid("explain-compare", &["--compare", &pair[0], &pair[1]]), 1);
}

#[test]
fn bisection_records_are_what_their_schemas_say() {
    let mut logs = vec![testkit::workspace_root().join("testdata/bisections")];
    if let Some(shared) = testkit::shared_or_skip("bisection_records_are_what_their_schemas_say") {
        logs.push(shared.join("corpus/bisection-logs.tar.zst"));
    }
    for command in ["show", "audit"] {
        let validator = strict_validator_of(&format!("bisect-{command}"));
        let mut count = 0;
        for logs in &logs {
            let lines = ksplat(&["bisect", command, "--quiet", "--format", "ndjson", logs.to_str().unwrap()]);
            for line in lines.lines() {
                let record: Value = serde_json::from_str(line).unwrap();
                let wrong: Vec<String> =
                    validator.iter_errors(&record).map(|e| format!("{}: {e}", e.instance_path())).collect();
                assert_eq!(wrong, [""; 0], "{}", record["log"]);
                count += 1;
            }
        }
        assert!(count >= 4, "{count} records of {command}");
    }
}

/// Records of kernels: of two modules that differ in everything, and of one and a copy with another byte in a function.
fn kernel_records(command: &str) -> Vec<Value> {
    let modules = testkit::workspace_root().join("testdata/lab/ko");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("schema");
    std::fs::create_dir_all(&folder).unwrap();
    let [one, other] = ["crashlib.ko", "crashme.ko"].map(|name| modules.join(name).to_str().unwrap().to_owned());
    if command == "kernel-signature" {
        let signed = [&["--sections"][..], &["--normalized"], &["--algorithm", "sha256"]]
            .into_iter()
            .map(|flags| ksplat(&[&[command, "--format", "ndjson"], flags, &[&one, &other]].concat()));
        return signed.flat_map(|lines| values(&lines)).collect();
    }
    let mut bytes = std::fs::read(&other).unwrap();
    let image = ksplat::image::Image::parse(&bytes).unwrap();
    let text = image.section_bytes(".text").unwrap();
    // An addition to a 64-bit register, or its like.
    let at = memchr::memmem::find(&bytes, text).unwrap() + memchr::memmem::find(text, b"\x48\x83").unwrap();
    bytes[at + 3] ^= 8;
    let copy = folder.join("copy.ko");
    std::fs::write(&copy, bytes).unwrap();
    let differ = |second: &str| {
        let arguments = [command, "--format", "ndjson", &other, second];
        let output = Command::new(env!("CARGO_BIN_EXE_ksplat")).args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        values(&String::from_utf8(output.stdout).unwrap())
    };
    [differ(&one), differ(copy.to_str().unwrap())].concat()
}

fn values(lines: &str) -> Vec<Value> {
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn records_of_kernels_are_what_their_schemas_say() {
    for command in ["kernel-signature", "kernel-diff"] {
        let validator = jsonschema::validator_for(&schema(command)).unwrap();
        let root = schema(command);
        let mut seen = BTreeSet::new();
        for record in kernel_records(command) {
            let wrong: Vec<String> =
                validator.iter_errors(&record).map(|e| format!("{}: {e}", e.instance_path())).collect();
            assert_eq!(wrong, [""; 0], "{record}");
            note(&root, &root, "record", &record, &mut seen);
            let mut all = Vec::new();
            places(&record, "", &mut all);
            for place in all {
                let mut wrong = record.clone();
                *wrong.pointer_mut(&place).unwrap() = json!([[null]]);
                assert!(!validator.is_valid(&wrong), "{command} {place}");
            }
        }
        let missing: Vec<String> = properties(&root).difference(&seen).cloned().collect();
        assert_eq!(missing, [""; 0], "{command}");
    }
}

/// Each place in a value: a path of JSON pointers.
fn places(value: &Value, at: &str, each: &mut Vec<String>) {
    match value {
        Value::Object(members) => members.iter().for_each(|(name, member)| {
            let at = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
            each.push(at.clone());
            places(member, &at, each);
        }),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(n, item)| places(item, &format!("{at}/{n}"), each));
        }
        _ => {}
    }
}

#[test]
fn a_value_of_another_type_is_rejected_wherever_it_stands() {
    let validator = strict_validator();
    for record in own_records() {
        let record = Value::from(record);
        let mut all = Vec::new();
        places(&record, "", &mut all);
        for place in all {
            let mut wrong = record.clone();
            let value = wrong.pointer_mut(&place).unwrap();
            // Nothing in a record may be an array of arrays of null.
            *value = json!([[null]]);
            assert!(!validator.is_valid(&wrong), "{place}");
        }
    }
}

#[test]
fn an_unknown_name_or_property_is_rejected() {
    let validator = strict_validator();
    let record = own_records().into_iter().find(|record| record.contains_key("traces")).unwrap();
    let record = Value::from(record);
    assert!(validator.is_valid(&record));
    for (place, value) in [("/traces/0/role", json!("rumour")), ("/traces/0/frames/0/offset", json!(-1))] {
        let mut wrong = record.clone();
        *wrong.pointer_mut(place).unwrap() = value;
        assert!(!validator.is_valid(&wrong), "{place}");
    }
    let mut wrong = record.clone();
    wrong.as_object_mut().unwrap().insert("rumour".into(), json!(1));
    assert!(!validator.is_valid(&wrong));
    for name in ["title", "start", "signature"] {
        let mut wrong = record.clone();
        wrong.as_object_mut().unwrap().remove(name);
        assert!(!validator.is_valid(&wrong), "{name}");
    }
}

/// Nothing in the schema is a dead letter, and each property says what it means.
#[test]
fn every_property_is_documented() {
    fn undocumented(schema: &Value, at: &str, missing: &mut Vec<String>) {
        let Value::Object(members) = schema else { return };
        if let Some(Value::Object(properties)) = members.get("properties") {
            for (name, property) in properties {
                if property.get("description").is_none() {
                    missing.push(format!("{at}/{name}"));
                }
            }
        }
        members.iter().for_each(|(name, member)| undocumented(member, &format!("{at}/{name}"), missing));
    }
    let mut missing = Vec::new();
    for records in ["report", "bisect-show", "bisect-audit", "kernel-signature", "kernel-diff"] {
        undocumented(&schema(records), records, &mut missing);
    }
    // A range of bytes is schemars' own, and says what it is.
    missing.retain(|place| !place.contains("/$defs/Range_of_uint/"));
    assert_eq!(missing, [""; 0]);
}

/// Notes which properties of the schema a value has, each as `type/property`.
fn note(root: &Value, schema: &Value, owner: &str, value: &Value, seen: &mut BTreeSet<String>) {
    if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
        let target = root.pointer(&name[1..]).unwrap();
        note(root, target, name.rsplit('/').next().unwrap(), value, seen);
    }
    for choices in ["anyOf", "allOf", "oneOf"] {
        let choices = schema.get(choices).and_then(Value::as_array);
        choices.into_iter().flatten().for_each(|choice| note(root, choice, owner, value, seen));
    }
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                if let Some(property) = schema.get("properties").and_then(|properties| properties.get(name)) {
                    seen.insert(format!("{owner}/{name}"));
                    note(root, property, owner, member, seen);
                }
            }
        }
        Value::Array(items) => {
            if let Some(schema) = schema.get("items") {
                items.iter().for_each(|item| note(root, schema, owner, item, seen));
            }
        }
        _ => {}
    }
}

/// All properties of the schema, as [`note`] names them.
fn properties(root: &Value) -> BTreeSet<String> {
    let types = root["$defs"].as_object().unwrap().iter().map(|(name, schema)| (name.as_str(), schema));
    let properties = |(name, schema): (&str, &Value)| {
        let names = schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
        names.keys().map(|property| format!("{name}/{property}")).collect::<Vec<_>>()
    };
    types.chain([("record", root)]).flat_map(properties).collect()
}

/// What needs a kernel to symbolize with, or a kernel that prints build-ids; other tests have these.
const NEEDS_A_KERNEL: [&str; 18] = [
    "CallRecord/file",
    "CallRecord/function",
    "CallRecord/inlined",
    "CallRecord/line",
    "CountRecord/agree",
    "CountRecord/differ",
    "CountRecord/unknown",
    "FrameRecord/build_id",
    "FrameRecord/call",
    "FrameRecord/calls",
    "FrameRecord/miss",
    "ImageRecord/by",
    "ImageRecord/calls",
    "ImageRecord/code",
    "ImageRecord/file",
    "ImageRecord/sizes",
    "ImageRecord/standing",
    "record/image",
];

#[test]
fn every_property_occurs_in_a_log_of_ours() {
    let root = schema("report");
    let mut seen = BTreeSet::new();
    own_records().into_iter().for_each(|record| note(&root, &root, "record", &record.into(), &mut seen));
    let missing: BTreeSet<String> = properties(&root).difference(&seen).cloned().collect();
    let expected: BTreeSet<String> = NEEDS_A_KERNEL.iter().map(|name| name.to_string()).collect();
    assert_eq!(missing, expected);
}
