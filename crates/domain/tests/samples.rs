//! What was recorded once is read for ever: a golden sample and a JSON Schema per event and version.
//!
//! `samples/<stream kind>/<event>.v<n>.json` is one event as it stands in the log, every field filled, every person in it
//! invented. `schemas/<stream kind>.v1.schema.json` is made from the types. A sample is never edited: a new shape of an
//! event is another file beside it. Schemas are rewritten by `just schemas`.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::{Path, PathBuf},
};

use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use zholdary_domain::{StreamKind, access, appeal, message, number, personal, rules};

/// Set, it makes the test write the schemas instead of comparing them.
const REWRITE: &str = "ZHOLDARY_WRITE_SCHEMAS";

/// The events of one kind of stream, seen as JSON.
struct Kind {
    of: StreamKind,
    schema: fn() -> Value,
    read_and_write: fn(&Value) -> Value,
}

/// Every kind of stream that has events; a sample folder of any other kind fails the tests.
const KINDS: [Kind; 5] = [
    Kind::new::<message::Event>(StreamKind::Message),
    Kind::new::<appeal::Event>(StreamKind::Appeal),
    Kind::new::<number::Event>(StreamKind::Number),
    Kind::new::<rules::Event>(StreamKind::Rules),
    Kind::new::<access::Event>(StreamKind::Access),
];

impl Kind {
    const fn new<E: Serialize + DeserializeOwned + JsonSchema>(of: StreamKind) -> Self {
        Self { of, schema: || schemars::schema_for!(E).to_value(), read_and_write: read_and_write::<E> }
    }

    /// The names of all variants, as the schema tells them: a new variant is here without anybody adding it.
    fn events(&self) -> BTreeSet<String> {
        let schema = (self.schema)();
        let variants = schema["oneOf"].as_array().expect("an event enum is a oneOf");
        variants
            .iter()
            .map(|v| v["properties"]["type"]["const"].as_str().expect("a variant has a type").to_owned())
            .collect()
    }

    fn schema_path(&self) -> PathBuf {
        home().join("schemas").join(format!("{}.v1.schema.json", self.of.as_str()))
    }

    /// Every sample of this kind: its event, and what stands in the file.
    fn samples(&self) -> Vec<Sample> {
        let folder = home().join("samples").join(self.of.as_str());
        let mut samples: Vec<_> = files(&folder).iter().map(|path| Sample::read(path)).collect();
        samples.sort_by(|a, b| a.path.cmp(&b.path));
        samples
    }
}

struct Sample {
    path: PathBuf,
    /// The event that the file's name tells.
    event: String,
    json: Value,
}

impl Sample {
    fn read(path: &Path) -> Self {
        let name = path.file_name().and_then(|n| n.to_str()).expect("samples have plain names");
        let (event, version) = name
            .strip_suffix(".json")
            .and_then(|n| n.split_once(".v"))
            .unwrap_or_else(|| panic!("{name}: a sample is called <event>.v<n>.json"));
        assert!(version.parse::<u32>().is_ok_and(|v| v > 0), "{name}: versions count from 1");
        let text = fs::read_to_string(path).expect("a sample can be read");
        let json = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
        Self { path: path.to_owned(), event: event.to_owned(), json }
    }
}

fn home() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    entries.map(|e| e.expect("a folder can be listed").path()).collect()
}

fn read_and_write<E: Serialize + DeserializeOwned>(json: &Value) -> Value {
    let event: E =
        serde_json::from_value(json.clone()).unwrap_or_else(|e| panic!("{json:#}\ndoes not load: {e}"));
    #[expect(clippy::disallowed_methods, reason = "the test stands in for the log's codec")]
    personal::writing(|| serde_json::to_value(&event)).expect("an event can be written")
}

#[test]
fn every_sample_still_loads_and_is_written_as_it_was() {
    for sample in KINDS.iter().flat_map(|kind| kind.samples().into_iter().map(move |s| (kind, s))) {
        let (kind, Sample { path, event, json }) = sample;
        assert_eq!(json["type"], event, "{}: the file is called after its event", path.display());
        assert_eq!((kind.read_and_write)(&json), json, "{}", path.display());
    }
}

#[test]
fn every_event_has_a_sample() {
    for kind in &KINDS {
        let shown: BTreeSet<_> = kind.samples().into_iter().map(|s| s.event).collect();
        assert_eq!(shown, kind.events(), "samples of {} events (left) and its variants", kind.of.as_str());
    }
    let kinds: BTreeSet<_> = KINDS.iter().map(|k| home().join("samples").join(k.of.as_str())).collect();
    let folders: BTreeSet<_> = files(&home().join("samples")).into_iter().collect();
    assert_eq!(folders, kinds, "sample folders (left) and the kinds of stream that have events");
}

/// A field that no sample shows could be renamed without anybody noticing that old records lost it.
#[test]
fn every_field_stands_in_a_sample() {
    for kind in &KINDS {
        let schema = (kind.schema)();
        let mut seen = BTreeMap::new();
        for sample in kind.samples() {
            let variants = schema["oneOf"].as_array().expect("an event enum is a oneOf");
            let variant = variants
                .iter()
                .find(|v| v["properties"]["type"]["const"] == sample.event)
                .expect("a sample shows a variant");
            walk(&schema, variant, &sample.json, &sample.event, &mut seen);
        }
        let missing: Vec<_> = seen.iter().filter(|(_, shown)| !**shown).map(|(field, _)| field).collect();
        assert!(missing.is_empty(), "no {} sample shows {missing:?}", kind.of.as_str());
    }
}

/// Notes for every field of `schema` whether `json` has it, under the name of the variant or type that has the field.
fn walk(root: &Value, schema: &Value, json: &Value, owner: &str, seen: &mut BTreeMap<String, bool>) {
    if let Some(name) = schema["$ref"].as_str().and_then(|r| r.strip_prefix("#/$defs/")) {
        walk(root, &root["$defs"][name], json, if owner.contains('.') { name } else { owner }, seen);
    }
    for part in ["anyOf", "oneOf", "allOf"].iter().filter_map(|k| schema[*k].as_array()).flatten() {
        let other = ["type", "by", "kind"].iter().any(|tag| {
            part["properties"][*tag]["const"].is_string() && part["properties"][*tag]["const"] != json[*tag]
        });
        if !other {
            walk(root, part, json, owner, seen);
        }
    }
    for (field, schema) in schema["properties"].as_object().into_iter().flatten() {
        let name = format!("{owner}.{field}");
        *seen.entry(name.clone()).or_default() |= json.get(field).is_some();
        if let Some(json) = json.get(field) {
            walk(root, schema, json, &name, seen);
        }
    }
    for item in json.as_array().into_iter().flatten() {
        walk(root, &schema["items"], item, owner, seen);
    }
    for value in json.as_object().into_iter().flat_map(|o| o.values()) {
        walk(root, &schema["additionalProperties"], value, owner, seen);
    }
}

#[test]
fn the_schemas_are_those_of_the_code() {
    for kind in &KINDS {
        let path = kind.schema_path();
        let made = format!("{:#}\n", (kind.schema)());
        if env::var_os(REWRITE).is_some() {
            fs::write(&path, &made).expect("the schema can be written");
        }
        let kept = fs::read_to_string(&path).unwrap_or_default();
        assert!(kept == made, "{} is not what the code says: look why, then `just schemas`", path.display());
    }
}

#[test]
fn every_sample_is_valid_under_its_schema() {
    for kind in &KINDS {
        let schema = jsonschema::validator_for(&(kind.schema)()).expect("a schema of the code is a schema");
        for sample in kind.samples() {
            let faults: Vec<_> = schema.iter_errors(&sample.json).map(|e| e.to_string()).collect();
            assert!(faults.is_empty(), "{}: {faults:#?}", sample.path.display());
            let mut odd = sample.json;
            odd["no_such_field"] = true.into();
            assert!(!schema.is_valid(&odd), "{}: an unknown field is a fault", sample.path.display());
        }
    }
}
