//! The settings of cross-origin resource sharing (CORS).

use super::notes::Notes;
use super::value::{Node, Value};

/// The settings of cross-origin resource sharing, for the headers of the same names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cors {
    /// `AllowOrigins`; `*` stands for all, and `https://*` for all of a scheme.
    pub origins: Vec<String>,
    /// `AllowMethods`
    pub methods: Vec<String>,
    /// `AllowHeaders`
    pub headers: Vec<String>,
    /// `ExposeHeaders`, which REST APIs do not have.
    pub exposed: Vec<String>,
    /// `MaxAge`, in seconds.
    pub max_age: Option<String>,
    /// `AllowCredentials`
    pub has_credentials: bool,
}

impl Cors {
    /// Reads the `CorsConfiguration` of an HTTP API, or the `Cors` of a function URL.
    ///
    /// SAM takes `true` for all origins, and a mapping:
    /// <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-httpapi-httpapicorsconfiguration.html>.
    pub(super) fn read(of: &str, node: Node<'_>, notes: &mut Notes<'_>) -> Option<Self> {
        let simple = node.text();
        let origins = match simple.as_deref() {
            None if node.is_absent() => return None,
            Some("false" | "") => return None,
            Some("true") => vec!["*".to_owned()],
            Some(origin) => vec![origin.to_owned()],
            None => list(of, node, "AllowOrigins", notes),
        };
        Some(Self {
            origins,
            methods: list(of, node, "AllowMethods", notes),
            headers: list(of, node, "AllowHeaders", notes),
            exposed: list(of, node, "ExposeHeaders", notes),
            max_age: node.get("MaxAge").text(),
            has_credentials: node.get("AllowCredentials").is_true(),
        })
    }

    /// Reads the `Cors` of a REST API: an origin, or a mapping. Its values are literals in single quotes:
    /// <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-api-corsconfiguration.html>.
    pub(super) fn read_rest(of: &str, node: Node<'_>, notes: &mut Notes<'_>) -> Option<Self> {
        let unquoted = |text: &str| text.trim_matches('\'').to_owned();
        let values = |key, notes: &mut Notes<'_>| {
            let values = list(of, node, key, notes).into_iter();
            values.map(|value| unquoted(&value)).collect()
        };
        let origins = match node.text() {
            None if node.is_absent() => return None,
            Some(origin) if origin.is_empty() => return None,
            Some(origin) => vec![unquoted(&origin)],
            None => values("AllowOrigin", notes),
        };
        Some(Self {
            origins,
            methods: values("AllowMethods", notes),
            headers: values("AllowHeaders", notes),
            exposed: Vec::new(),
            max_age: node.get("MaxAge").text().map(|text| unquoted(&text)),
            has_credentials: node.get("AllowCredentials").is_true(),
        })
    }
}

/// Returns the plain values of a list, or a single value. Other values become a note.
fn list(of: &str, node: Node<'_>, key: &str, notes: &mut Notes<'_>) -> Vec<String> {
    let node = node.get(key);
    if let Some(text) = node.text() {
        return vec![text];
    }
    let items = node.0.map(Value::items).unwrap_or_default();
    if node.intrinsic().is_some() || items.iter().any(|item| item.text().is_none()) {
        notes.push(format!(
            "{of}: {key} has a value that only a deployment can tell; it is left out here"
        ));
    }
    node.texts().map(str::to_owned).collect()
}
