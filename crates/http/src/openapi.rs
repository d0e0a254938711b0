//! The OpenAPI 3.1 document, made from the code that it describes.

use bytes::Bytes;
use serde_json::{Value, json};
use utoipa::{
    Modify, OpenApi,
    openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    api::{changes, commands, file, files, meetings, read},
    app::Shared,
    permission::{self, Found, Level, Who},
    problem::ProblemBody,
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Zholdary",
        description = "A city's single window for appeals about its roads. Reads answer with `Zholdary-Position`: what they know \
                       of. Writes answer 202 with the position they reached. Refusals are RFC 9457 problems."
    ),
    tags(
        (name = "appeals", description = "File, list, read"),
        (name = "commands", description = "What may be asked of an appeal"),
        (name = "messages", description = "What became of a message"),
        (name = "figures", description = "Counters, the report, changes"),
        (name = "installation", description = "The installation itself"),
    ),
    components(schemas(ProblemBody, crate::api::files::As)),
    modifiers(&Bearer),
)]
struct Description;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("`zh_<name>_<secret>`, made by `zholdary token create`"))
            .build();
        openapi.components.get_or_insert_default().add_security_scheme("token", SecurityScheme::Http(scheme));
    }
}

/// The API's routes, with their description.
pub(crate) fn api() -> OpenApiRouter<Shared> {
    OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(read::list, file::file))
        .routes(routes!(read::one))
        .routes(routes!(meetings::write))
        .routes(routes!(files::add))
        .routes(routes!(files::get))
        .routes(routes!(commands::accept))
        .routes(routes!(commands::refuse))
        .routes(routes!(commands::start))
        .routes(routes!(commands::done))
        .routes(routes!(commands::note))
        .routes(routes!(commands::correct))
        .routes(routes!(commands::answer))
        .routes(routes!(commands::rate))
        .routes(routes!(commands::reopen))
        .routes(routes!(commands::split))
        .routes(routes!(commands::join))
        .routes(routes!(commands::redirect))
        .routes(routes!(commands::extend))
        .routes(routes!(commands::escalate))
        .routes(routes!(commands::official))
        .routes(routes!(commands::close))
        .routes(routes!(commands::not_consider))
        .routes(routes!(commands::place))
        .routes(routes!(read::messages))
        .routes(routes!(read::message))
        .routes(routes!(read::counters))
        .routes(routes!(read::report))
        .routes(routes!(read::queue))
        .routes(routes!(changes::changes))
        .routes(routes!(read::lag))
        .routes(routes!(read::openapi))
}

/// The document as JSON.
pub(crate) fn document() -> Bytes {
    let described = api().into_openapi();
    let mut described = serde_json::to_value(&described).expect("the description is plain data");
    let paths = described["paths"].as_object_mut().into_iter().flatten();
    for (path, item) in paths {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            complete(path, method, operation);
        }
    }
    let mut json = serde_json::to_vec_pretty(&described).expect("a JSON value is JSON");
    json.push(b'\n');
    json.into()
}

/// What every operation has: words for its answers, refusals in one form, and, where the permission table (and no second
/// list) says so, a token.
fn complete(path: &str, method: &str, operation: &mut Value) {
    let method = method.to_uppercase().parse().expect("the name of a method");
    let open = permission::find(&method, path, Who::Anonymous) != Found::Level(Level::Deny);
    operation["security"] = if open { json!([{}, { "token": [] }]) } else { json!([{ "token": [] }]) };
    // Whatever can be asked as of a moment says which moment it answers of.
    let of_a_moment =
        operation["parameters"].as_array().is_some_and(|all| all.iter().any(|one| one["name"] == "as_of"));
    if of_a_moment {
        operation["responses"]["200"]["headers"]["Zholdary-Position"] = json!({
            "description": "The position that the answer knows of.", "schema": { "type": "integer", "minimum": 0 },
        });
    }
    let responses = &mut operation["responses"];
    responses["default"] = json!({
        "description": "A refusal (RFC 9457); `code` says which.",
        "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
    });
    for (status, response) in responses.as_object_mut().into_iter().flatten() {
        let words = match status.as_str() {
            "202" => "Recorded. A read that names the position in `Zholdary-Position` sees it.",
            _ => "The answer. `Zholdary-Position` says what it knows of.",
        };
        response.as_object_mut().map(|r| r.entry("description").or_insert_with(|| words.into()));
        if let Some(header) = response.pointer_mut("/headers/Zholdary-Position").filter(|_| status == "202") {
            header["description"] = "The position it reached.".into();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::router::BESIDE_THE_API;

    #[test]
    fn every_endpoint_has_its_line_and_every_line_its_endpoint() {
        let described: serde_json::Value = serde_json::from_slice(&document()).unwrap();
        let mut endpoints: BTreeSet<(String, String)> =
            BESIDE_THE_API.iter().map(|(method, path)| ((*method).to_owned(), (*path).to_owned())).collect();
        for (path, item) in described["paths"].as_object().unwrap() {
            for method in item.as_object().unwrap().keys() {
                endpoints.insert((method.to_uppercase(), path.clone()));
            }
        }
        let lines: BTreeSet<_> =
            permission::TABLE.iter().map(|l| (l.method.to_string(), l.path.to_owned())).collect();
        assert_eq!(endpoints, lines);
    }

    #[test]
    fn tokens_and_positions_are_described_where_they_are_taken() {
        let described: serde_json::Value = serde_json::from_slice(&document()).unwrap();
        let at = |path: &str, method: &str| described["paths"][path][method].clone();
        assert_eq!(at("/api/v1/report", "get")["security"], json!([{}, { "token": [] }]));
        assert_eq!(at("/api/v1/appeals", "post")["security"], json!([{}, { "token": [] }]));
        assert_eq!(at("/api/v1/appeals", "get")["security"], json!([{ "token": [] }]));
        for path in ["/api/v1/report", "/api/v1/lag", "/api/v1/appeals/{appeal}", "/api/v1/messages"] {
            let read = at(path, "get");
            let header = read.pointer("/responses/200/headers/Zholdary-Position/schema/type");
            assert_eq!(header, Some(&json!("integer")), "{path}");
            let names = read["parameters"].as_array().unwrap().iter().map(|p| p["name"].as_str().unwrap());
            assert!(names.collect::<BTreeSet<_>>().contains("as_of"), "{path}");
        }
        assert!(at("/api/v1/openapi.json", "get").pointer("/responses/200/headers").is_none());
    }

    #[test]
    fn every_command_describes_its_body() {
        let described: serde_json::Value = serde_json::from_slice(&document()).unwrap();
        let posts = described["paths"].as_object().unwrap().iter().filter_map(|(path, item)| {
            let post = item.get("post")?;
            let content = post.pointer("/requestBody/content")?.as_object()?;
            Some((path, content.values().next().map(|body| body["schema"].clone())))
        });
        let posts: Vec<_> = posts.collect();
        assert!(posts.len() > 15);
        for (path, schema) in posts {
            assert!(schema.is_some_and(|schema| schema != json!({})), "{path}");
        }
    }

    #[test]
    fn every_reference_of_the_document_resolves() {
        fn walk(value: &serde_json::Value, whole: &serde_json::Value) {
            match value {
                serde_json::Value::Object(map) => {
                    if let Some(reference) = map.get("$ref").and_then(|r| r.as_str()) {
                        let pointer = reference.strip_prefix('#').expect("a reference within the document");
                        assert!(whole.pointer(pointer).is_some(), "{reference} leads nowhere");
                    }
                    map.values().for_each(|v| walk(v, whole));
                }
                serde_json::Value::Array(values) => values.iter().for_each(|v| walk(v, whole)),
                _ => {}
            }
        }
        let described: serde_json::Value = serde_json::from_slice(&document()).unwrap();
        walk(&described, &described);
    }
}
