//! YAML as CloudFormation writes it: mappings that may lack any key, and tags for its functions.

use saphyr::{LoadableYamlNode, ScalarOwned, YamlOwned};

/// The documents of a text.
pub(super) fn load(text: &str) -> Result<Vec<YamlOwned>, String> {
    YamlOwned::load_from_str(text).map_err(|error| error.to_string())
}

/// A place in a document where there may be something.
#[derive(Clone, Copy)]
pub(super) struct Node<'a>(Option<&'a YamlOwned>);

impl<'a> Node<'a> {
    pub fn root(document: Option<&'a YamlOwned>) -> Self {
        Self(document)
    }

    /// The value of a key, if this is a mapping that has it.
    pub fn get(self, key: &str) -> Self {
        let mapping = self.0.and_then(YamlOwned::as_mapping);
        Self(mapping.and_then(|mapping| {
            let mut entries = mapping.iter();
            entries.find_map(|(name, value)| (name.as_str() == Some(key)).then_some(value))
        }))
    }

    /// This, or another if there is nothing here.
    pub fn or(self, other: Self) -> Self {
        Self(self.0.or(other.0))
    }

    /// Whether there is nothing here.
    pub fn is_absent(self) -> bool {
        self.0.is_none()
    }

    /// The keys and values of a mapping, in their order.
    pub fn entries(self) -> impl Iterator<Item = (String, Self)> {
        let mapping = self.0.and_then(YamlOwned::as_mapping);
        mapping
            .into_iter()
            .flatten()
            .filter_map(|(name, value)| Some((name.as_str()?.to_owned(), Self(Some(value)))))
    }

    /// A plain value as Lambda would write it into a variable.
    pub fn text(self) -> Option<String> {
        match self.0? {
            YamlOwned::Value(ScalarOwned::String(text)) => Some(text.clone()),
            YamlOwned::Value(ScalarOwned::Integer(number)) => Some(number.to_string()),
            YamlOwned::Value(ScalarOwned::FloatingPoint(number)) => Some(number.to_string()),
            YamlOwned::Value(ScalarOwned::Boolean(truth)) => Some(truth.to_string()),
            _ => None,
        }
    }

    /// The name of the function of CloudFormation that stands here, in its short form (`!Ref`) or
    /// its long one (`Fn::Sub`).
    pub fn intrinsic(self) -> Option<String> {
        match self.0? {
            YamlOwned::Tagged(tag, _) => Some(tag.to_string()),
            YamlOwned::Mapping(mapping) => {
                let name = mapping.keys().next()?.as_str()?;
                (name == "Ref" || name.starts_with("Fn::")).then(|| name.to_owned())
            }
            _ => None,
        }
    }
}
