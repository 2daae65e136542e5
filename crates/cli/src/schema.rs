//! `ksplat schema`: the JSON Schema of the records that a command writes with `--format ndjson`.

use std::io::{self, Write};

use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform};
use serde_json::Value;

use crate::explain::{Account, Comparison};
use crate::output::{Outcome, Output};
use crate::record::Record;

/// What `schema` takes.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Whose records
    #[arg(value_enum, default_value_t)]
    records: Records,
}

/// The commands that write records.
#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
enum Records {
    /// `ksplat report`.
    #[default]
    Report,
    /// `ksplat explain`.
    Explain,
    /// `ksplat explain --compare`.
    ExplainCompare,
    /// `ksplat bisect show`.
    BisectShow,
    /// `ksplat bisect audit`.
    BisectAudit,
    /// `ksplat kernel-signature`.
    KernelSignature,
    /// `ksplat kernel-diff`.
    KernelDiff,
}

/// Runs the command.
pub fn run(arguments: &Arguments, output: &Output) -> io::Result<Outcome> {
    // What is left out where it says nothing is not required.
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let mut schema = match arguments.records {
        Records::Report => generator.into_root_schema_for::<Record<'_>>(),
        Records::Explain => generator.into_root_schema_for::<Account>(),
        Records::ExplainCompare => generator.into_root_schema_for::<Comparison<'_>>(),
        Records::BisectShow => generator.into_root_schema_for::<crate::bisect::show::Record<'_>>(),
        Records::BisectAudit => generator.into_root_schema_for::<bisect::Audit>(),
        Records::KernelSignature => generator.into_root_schema_for::<crate::kernel_signature::Record<'_>>(),
        Records::KernelDiff => generator.into_root_schema_for::<crate::kernel_diff::record::Record<'_>>(),
    };
    RecursiveTransform(absent_not_null).transform(&mut schema);
    let mut results = output.results();
    serde_json::to_writer_pretty(&mut results, &schema).map_err(io::Error::from)?;
    results.write_all(b"\n")?;
    results.flush()?;
    Ok(Outcome::Found)
}

/// Takes `null` away from what is not required: it is left out instead.
fn absent_not_null(schema: &mut Schema) {
    let required: Vec<Value> = schema.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else { return };
    let optional = |name: &str| !required.contains(&Value::from(name));
    for (_, property) in properties.iter_mut().filter(|(name, _)| optional(name)) {
        let Some(property) = property.as_object_mut() else { continue };
        if let Some(Value::Array(types)) = property.get_mut("type") {
            types.retain(|name| name != "null");
            if let [one] = &types[..] {
                let one = one.clone();
                property.insert("type".into(), one);
            }
        }
        if let Some(Value::Array(choices)) = property.get_mut("anyOf") {
            choices.retain(|choice| choice.get("type").is_none_or(|name| name != "null"));
            if let [Value::Object(one)] = &choices[..] {
                let one = one.clone();
                property.remove("anyOf");
                property.extend(one);
            }
        }
    }
}
