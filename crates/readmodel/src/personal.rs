//! Takes recorded events apart: what is personal goes into a column of its own.
//!
//! The log's codec writes a personal value as `{"p": value}`, or sealed as `{"s": …}`; no other object of an event has
//! exactly that one key. What was taken out is kept by JSON pointer and can be put back.

use std::collections::BTreeMap;

use serde_json::Value;

/// Personal values by JSON pointer, each still in its envelope (`{"p": …}`).
pub(crate) type Taken = BTreeMap<String, Value>;

/// Takes every personal value out of `event`.
pub(crate) fn take(event: &mut Value) -> Taken {
    let mut taken = Taken::new();
    walk(event, &mut String::new(), &mut taken);
    taken
}

fn is_personal(value: &Value) -> bool {
    value.as_object().is_some_and(|o| o.len() == 1 && (o.contains_key("p") || o.contains_key("s")))
}

fn walk(value: &mut Value, path: &mut String, taken: &mut Taken) {
    let long = path.len();
    match value {
        Value::Object(map) => {
            let personal: Vec<_> =
                map.iter().filter(|(_, v)| is_personal(v)).map(|(key, _)| key.clone()).collect();
            for key in personal {
                if let Some(value) = map.remove(&key) {
                    taken.insert(format!("{path}/{}", escaped(&key)), value);
                }
            }
            for (key, value) in map {
                path.push('/');
                path.push_str(&escaped(key));
                walk(value, path, taken);
                path.truncate(long);
            }
        }
        Value::Array(values) => {
            for (i, value) in values.iter_mut().enumerate() {
                path.push('/');
                path.push_str(&i.to_string());
                walk(value, path, taken);
                path.truncate(long);
            }
        }
        _ => {}
    }
}

/// Puts personal values back where they stood.
pub(crate) fn put_back(event: &mut Value, taken: Taken) {
    for (pointer, value) in taken {
        if let Some((parent, key)) = pointer.rsplit_once('/')
            && let Some(Value::Object(map)) = event.pointer_mut(parent)
        {
            map.insert(key.replace("~1", "/").replace("~0", "~"), value);
        }
    }
}

/// The same places with nothing in them: what is left of an erased person. Texts are empty, anything else is gone.
pub(crate) fn emptied(taken: Taken) -> Taken {
    taken
        .into_iter()
        .filter(|(_, value)| value.get("p").is_some_and(Value::is_string))
        .map(|(pointer, _)| (pointer, serde_json::json!({ "p": "" })))
        .collect()
}

fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_taken_out_goes_back_where_it_stood() {
        let event = json!({
            "type": "understood", "lang": "ru", "text": { "p": "канарейка" },
            "findings": [{ "place": { "house": { "p": "12а" }, "point": { "p": { "lon": 1.5, "lat": 2.0 } } } }],
        });
        let mut left = event.clone();
        let taken = take(&mut left);
        assert!(!left.to_string().contains("канарейка") && !left.to_string().contains("12а"));
        assert_eq!(taken.len(), 3);
        let mut whole = left.clone();
        put_back(&mut whole, taken.clone());
        assert_eq!(whole, event);
        let empty = emptied(taken);
        assert_eq!(empty.len(), 2, "a point cannot be empty: it is gone");
        put_back(&mut left, empty);
        assert_eq!(left.pointer("/text/p"), Some(&json!("")));
    }
}
