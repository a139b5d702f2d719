//! The settings of a template's APIs.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::auth::Written;
use super::intrinsics::Scope;
use super::notes::Notes;
use super::value::{Node, Value};
use super::{Api, Auth, Cors, auth};

/// The settings of an API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiSettings {
    /// The stage of all its requests.
    pub stage: String,
    /// The stage variables.
    pub variables: BTreeMap<String, String>,
    /// `MinimumCompressionSize` of a REST API, in bytes.
    pub minimum_compression: Option<usize>,
    /// `BasePath` of its custom domain, without slashes at their ends.
    pub base_paths: Vec<String>,
    /// `Cors` of a REST API, or `CorsConfiguration` of an HTTP API.
    pub cors: Option<Cors>,
    /// `Auth`
    pub auth: Auth,
}

impl ApiSettings {
    /// Returns the settings of an API of this kind that the template does not describe.
    pub(crate) fn default_of(api: Api) -> Self {
        let stage = match api {
            Api::Rest => "Prod",
            Api::Http => "$default",
        };
        Self {
            stage: stage.to_owned(),
            variables: BTreeMap::new(),
            minimum_compression: None,
            base_paths: Vec::new(),
            cors: None,
            auth: Auth::default(),
        }
    }

    fn read(api: Api, name: &str, properties: Node<'_>, notes: &mut Notes<'_>) -> Self {
        let mut settings = Self::default_of(api);
        let stage = properties.get("StageName");
        if let Some(intrinsic) = stage.intrinsic() {
            notes.push(format!(
                "{name}: StageName is {intrinsic}, which only a deployment can tell; it is {} here",
                settings.stage
            ));
        }
        settings.stage = stage.text().unwrap_or(settings.stage);
        let variables = match api {
            Api::Rest => properties.get("Variables"),
            Api::Http => properties.get("StageVariables"),
        };
        let pairs = variables.entries();
        settings.variables = pairs
            .filter_map(|(name, value)| Some((name.to_owned(), value.text()?)))
            .collect();
        let minimum = properties.get("MinimumCompressionSize").text();
        settings.minimum_compression = minimum.and_then(|text| text.parse().ok());
        settings.base_paths = base_paths(properties.get("Domain"));
        settings.cors = match api {
            Api::Rest => Cors::read_rest(name, properties.get("Cors"), notes),
            Api::Http => Cors::read(name, properties.get("CorsConfiguration"), notes),
        };
        settings
    }
}

/// The APIs of a template: those that it describes by their resources' names, and those that SAM adds for events that name
/// none.
pub(super) struct Apis {
    described: BTreeMap<String, Arc<ApiSettings>>,
    added: [Arc<ApiSettings>; 2],
}

impl Apis {
    /// Reads the APIs of a template.
    pub fn read(
        globals: &Value,
        resources: &Value,
        scope: &Scope<'_>,
        notes: &mut Notes<'_>,
    ) -> Self {
        let nothing = Value::Map(Vec::new());
        let shared = |api| globals.get(name_of(api)).unwrap_or(&nothing);
        let written = |name: &str| Node(scope.template().get(name));
        let api_keys = auth::api_keys(Node(Some(resources)));
        let added = [Api::Rest, Api::Http].map(|api| {
            let name = format!("Globals.{}", name_of(api));
            let mut read = ApiSettings::read(api, &name, Node(Some(shared(api))), notes);
            let written = Written {
                properties: written("Globals").get(name_of(api)),
                scope,
            };
            let properties = Node(Some(shared(api)));
            read.auth = Auth::read(api, &name, properties, written, &api_keys, notes);
            // SAM gives an API that it adds the stage Prod or $default, whatever the globals say.
            let stage = ApiSettings::default_of(api).stage;
            Arc::new(ApiSettings { stage, ..read })
        });
        let mut described = BTreeMap::new();
        for (name, resource) in Node(Some(resources)).entries() {
            let kind = resource.get("Type").text().unwrap_or_default();
            let kinds = [Api::Rest, Api::Http].into_iter();
            let mut kinds =
                kinds.filter(|api| kind == format!("AWS::Serverless::{}", name_of(*api)));
            if let Some(api) = kinds.next() {
                let own = resource.get("Properties").0.unwrap_or(&nothing);
                let properties = shared(api).overlaid(own);
                let properties = Node(Some(&properties));
                let mut settings = ApiSettings::read(api, name, properties, notes);
                let under = written("Globals").get(name_of(api)).0;
                let over = written("Resources").get(name).get("Properties").0;
                let both = under.unwrap_or(&nothing).overlaid(over.unwrap_or(&nothing));
                let written = Written {
                    properties: Node(Some(&both)),
                    scope,
                };
                settings.auth = Auth::read(api, name, properties, written, &api_keys, notes);
                described.insert(name.to_owned(), Arc::new(settings));
            }
        }
        Self { described, added }
    }

    /// Returns the settings of the API with this resource's name.
    pub fn named(&self, api: Api, name: &str) -> Arc<ApiSettings> {
        let described = self.described.get(name);
        described.unwrap_or(&self.added[api as usize]).clone()
    }

    /// Returns the settings of the API that an event names, or of the one that SAM adds.
    pub fn of_event(&self, api: Api, properties: Node<'_>) -> Arc<ApiSettings> {
        let id = match api {
            Api::Rest => properties.get("RestApiId"),
            Api::Http => properties.get("ApiId"),
        };
        let described = id.referenced().and_then(|name| self.described.get(name));
        described.unwrap_or(&self.added[api as usize]).clone()
    }
}

/// Returns the base paths of a custom domain. SAM keeps only letters and digits, unless `NormalizeBasePath` is `false`:
/// <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-api-domainconfiguration.html>.
fn base_paths(domain: Node<'_>) -> Vec<String> {
    let paths = domain.get("BasePath");
    let is_kept = domain.get("NormalizeBasePath").text().as_deref() == Some("false");
    let single = paths.text();
    let all = paths.texts().chain(single.as_deref());
    let path = |path: &str| match is_kept {
        true => path.trim_matches('/').to_owned(),
        false => path.chars().filter(|c| c.is_alphanumeric()).collect(),
    };
    all.map(path).filter(|path| !path.is_empty()).collect()
}

/// The name of an API's kind in `Globals` and in the type of its resource.
fn name_of(api: Api) -> &'static str {
    match api {
        Api::Rest => "Api",
        Api::Http => "HttpApi",
    }
}
