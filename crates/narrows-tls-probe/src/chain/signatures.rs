//! The names under which inspecting products sign, and those from whom well-known hosts have theirs:
//! `data/middlebox_signatures.json`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

pub use narrows_endpoint::Date;
use narrows_endpoint::Host;
use serde::Deserialize;

use super::name::DistinguishedName;

/// The list, with the day of what it says.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signatures {
    #[serde(with = "crate::serial::text")]
    date: Date,
    products: Vec<Product>,
    families: Vec<IssuerFamily>,
    sources: BTreeMap<String, String>,
}

/// A product that reads TLS by signing certificates of its own.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Product {
    /// What it is called.
    pub name: String,
    /// The key of the source in the list's sources.
    pub source: String,
    issuer: Vec<IssuerWords>,
}

/// From whom the hosts of one owner have their certificates.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct IssuerFamily {
    /// What to call the issuers.
    pub name: String,
    /// The key of the source in the list's sources.
    pub source: String,
    hosts: Vec<String>,
    organizations: Vec<String>,
}

/// Why a text is not such a list.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignaturesError {
    /// An entry that would match everything or nothing, or names a source that is not listed.
    #[error("entry \"{0}\" has an empty word or an unknown source")]
    Entry(String),
    /// Not this JSON.
    #[error("not a list of signatures")]
    Json(#[from] serde_json::Error),
}

/// Words that an issuer's name begins with; those that are given must all be there.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct IssuerWords {
    common_name: Option<String>,
    organization: Option<String>,
}

// === impl Signatures ===

impl Signatures {
    /// The list that is compiled in. It is parsed once, when it is first asked for.
    pub fn built_in() -> &'static Self {
        static BUILT_IN: LazyLock<Signatures> = LazyLock::new(|| {
            #[expect(
                clippy::expect_used,
                reason = "the text is compiled in and a test parses it"
            )]
            Signatures::parse(include_str!("../../data/middlebox_signatures.json"))
                .expect("the built-in list is well-formed")
        });
        &BUILT_IN
    }

    /// Reads a list: JSON in the form of the one that is compiled in, with no other fields.
    ///
    /// # Errors
    ///
    /// [`SignaturesError`] if it is not one.
    pub fn parse(text: &str) -> Result<Self, SignaturesError> {
        let list: Self = serde_json::from_str(text)?;
        let products = list
            .products
            .iter()
            .map(|p| (&p.name, &p.source, p.is_sound()));
        let families = list
            .families
            .iter()
            .map(|f| (&f.name, &f.source, f.is_sound()));
        for (name, source, sound) in products.chain(families) {
            if !sound || name.is_empty() || !list.sources.contains_key(source) {
                return Err(SignaturesError::Entry(name.clone()));
            }
        }
        Ok(list)
    }

    /// The day of what it says.
    pub const fn date(&self) -> Date {
        self.date
    }

    /// The product that signs under that name.
    pub fn product(&self, issuer: &DistinguishedName) -> Option<&Product> {
        let signs = |product: &&Product| product.issuer.iter().any(|words| words.fit(issuer));
        self.products.iter().find(signs)
    }

    /// From whom that host should have its certificate, if it is a well-known one.
    pub fn family(&self, host: &Host) -> Option<&IssuerFamily> {
        let Host::Name(name) = host else { return None };
        let below = |domain: &String| {
            let rest = name.as_str().strip_suffix(domain.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        self.families
            .iter()
            .find(|family| family.hosts.iter().any(below))
    }
}

// === impl Product ===

impl Product {
    fn is_sound(&self) -> bool {
        !self.issuer.is_empty() && self.issuer.iter().all(IssuerWords::is_sound)
    }
}

// === impl IssuerFamily ===

impl IssuerFamily {
    /// Whether that issuer is one of them, by its organisation.
    pub fn includes(&self, issuer: &DistinguishedName) -> bool {
        let organization = issuer.organization.as_ref();
        organization.is_some_and(|organization| self.organizations.contains(organization))
    }

    fn is_sound(&self) -> bool {
        let lists = [&self.hosts, &self.organizations];
        lists
            .iter()
            .all(|list| !list.is_empty() && list.iter().all(|word| !word.is_empty()))
    }
}

// === impl IssuerWords ===

impl IssuerWords {
    fn is_sound(&self) -> bool {
        let words = [&self.common_name, &self.organization];
        let mut given = words.into_iter().flatten().peekable();
        given.peek().is_some() && given.all(|word| !word.is_empty())
    }

    fn fit(&self, issuer: &DistinguishedName) -> bool {
        begins(&issuer.common_name, &self.common_name)
            && begins(&issuer.organization, &self.organization)
    }
}

/// Whether a part of a name begins with a word, in whatever case; without a word it does.
fn begins(part: &Option<String>, word: &Option<String>) -> bool {
    word.as_ref().is_none_or(|word| {
        let start = part.as_ref().and_then(|part| part.get(..word.len()));
        start.is_some_and(|start| start.eq_ignore_ascii_case(word))
    })
}
