//! The event of an API Gateway REST API, as far as the request is made of it. Fields that are not named here are passed
//! over, and every field that AWS may leave out is optional.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

type Text<'a> = Option<Cow<'a, str>>;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event<'a> {
    #[serde(borrow)]
    pub http_method: Cow<'a, str>,
    #[serde(borrow)]
    pub path: Cow<'a, str>,
    #[serde(borrow)]
    pub resource: Text<'a>,
    #[serde(borrow)]
    pub path_parameters: Option<Pairs<Cow<'a, str>>>,
    #[serde(borrow)]
    pub query_string_parameters: Option<Pairs<Cow<'a, str>>>,
    #[serde(borrow)]
    pub multi_value_query_string_parameters: Option<Pairs<Vec<Cow<'a, str>>>>,
    #[serde(borrow)]
    pub headers: Option<Pairs<Cow<'a, str>>>,
    #[serde(borrow)]
    pub multi_value_headers: Option<Pairs<Vec<Cow<'a, str>>>>,
    #[serde(borrow)]
    pub stage_variables: Option<Pairs<Cow<'a, str>>>,
    #[serde(borrow)]
    pub request_context: Option<RequestContext<'a>>,
    #[serde(borrow)]
    pub body: Text<'a>,
    pub is_base64_encoded: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestContext<'a> {
    #[serde(borrow)]
    pub account_id: Text<'a>,
    #[serde(borrow)]
    pub api_id: Text<'a>,
    #[serde(borrow)]
    pub domain_name: Text<'a>,
    #[serde(borrow)]
    pub stage: Text<'a>,
    #[serde(borrow)]
    pub request_id: Text<'a>,
    #[serde(borrow)]
    pub identity: Option<Identity<'a>>,
    #[serde(borrow)]
    pub authorizer: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Identity<'a> {
    #[serde(borrow)]
    pub source_ip: Text<'a>,
    #[serde(borrow)]
    pub user_agent: Text<'a>,
    #[serde(borrow)]
    pub account_id: Text<'a>,
    #[serde(borrow)]
    pub access_key: Text<'a>,
    #[serde(borrow)]
    pub caller: Text<'a>,
    #[serde(borrow)]
    pub user: Text<'a>,
    #[serde(borrow)]
    pub user_arn: Text<'a>,
    #[serde(borrow)]
    pub principal_org_id: Text<'a>,
    #[serde(borrow)]
    pub api_key: Text<'a>,
    #[serde(borrow)]
    pub api_key_id: Text<'a>,
    #[serde(borrow)]
    pub cognito_identity_id: Text<'a>,
    #[serde(borrow)]
    pub cognito_identity_pool_id: Text<'a>,
    #[serde(borrow)]
    pub cognito_authentication_type: Text<'a>,
    #[serde(borrow)]
    pub cognito_authentication_provider: Text<'a>,
    #[serde(borrow)]
    pub vpc_id: Text<'a>,
    #[serde(borrow)]
    pub client_cert: Option<ClientCert<'a>>,
}

#[derive(Deserialize)]
pub struct ClientCert<'a> {
    #[serde(borrow, rename = "clientCertPem")]
    pub client_cert_pem: Text<'a>,
    #[serde(borrow, rename = "subjectDN")]
    pub subject_dn: Text<'a>,
    #[serde(borrow, rename = "issuerDN")]
    pub issuer_dn: Text<'a>,
    #[serde(borrow, rename = "serialNumber")]
    pub serial_number: Text<'a>,
    #[serde(borrow)]
    pub validity: Option<Validity<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Validity<'a> {
    #[serde(borrow)]
    pub not_before: Text<'a>,
    #[serde(borrow)]
    pub not_after: Text<'a>,
}

/// A JSON object's members in their order. A member that is null is left out.
pub struct Pairs<V>(Vec<(String, V)>);

impl Pairs<Cow<'_, str>> {
    pub fn single(self) -> Vec<(String, String)> {
        self.0
            .into_iter()
            .map(|(name, value)| (name, value.into_owned()))
            .collect()
    }

    /// In the order of the names.
    pub fn sorted(self) -> Vec<(String, String)> {
        let mut pairs = self.single();
        pairs.sort();
        pairs
    }
}

impl Pairs<Vec<Cow<'_, str>>> {
    /// A pair for each value.
    pub fn flatten(self) -> Vec<(String, String)> {
        let pairs = self.0.into_iter();
        pairs
            .flat_map(|(name, values)| {
                values
                    .into_iter()
                    .map(move |value| (name.clone(), value.into_owned()))
            })
            .collect()
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Pairs<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members<V>(PhantomData<V>);
        impl<'de, V: Deserialize<'de>> Visitor<'de> for Members<V> {
            type Value = Pairs<V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs<V>, A::Error> {
                let mut pairs = Vec::with_capacity(map.size_hint().unwrap_or(16));
                while let Some((name, value)) = map.next_entry::<String, Option<V>>()? {
                    pairs.extend(value.map(|value| (name, value)));
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Members(PhantomData))
    }
}
