//! [`Selection`]: the part of the catalogue that a command is about.

use std::borrow::Cow;
use std::num::NonZeroU16;
use std::path::PathBuf;

use clap::Args;
use narrows_endpoint::{Catalogue, Cloud, Parameters, Region, Target};

use crate::fault::Fault;
use crate::feature::{self, FEATURES, Feature};
use crate::near;

mod open;
mod opening;

pub use open::Openings;
pub use opening::Opening;

const HTTPS: NonZeroU16 = NonZeroU16::new(443).unwrap();

/// The flags that select endpoints, as text.
#[derive(Clone, Debug, Default, Args)]
pub struct SelectArgs {
    /// The cloud: AzureCloud, AzureUSGovernment or AzureChinaCloud [default: the region's]
    #[arg(long, env = "NARROWS_PROBE_CLOUD", value_name = "CLOUD")]
    pub cloud: Option<String>,

    /// The region, as japaneast or "Japan East"
    ///
    /// Fills in the names that depend on it.
    #[arg(long, env = "NARROWS_PROBE_REGION", value_name = "REGION")]
    pub region: Option<String>,

    /// What is used, as a comma list: servers, ama, sql, kubernetes, ... or all
    ///
    /// servers, ama, sql, kubernetes, wac, keyvault, automation, guest-attestation, defender, update,
    /// machine-configuration, esu, container-insights, kubernetes-keyvault, defender-containers,
    /// data-services, resource-bridge, azure-local, all; or a group of the catalogue.
    #[arg(
        long,
        env = "NARROWS_PROBE_FEATURES",
        value_name = "LIST",
        value_delimiter = ','
    )]
    pub features: Vec<String>,

    /// A value for a token that no region knows, as workspace_id=... (repeatable)
    #[arg(long = "set", value_name = "TOKEN=VALUE")]
    pub set: Vec<String>,

    /// Also rows that only older editions of Microsoft's lists have
    #[arg(long)]
    pub former: bool,

    /// Read the catalogue from this file instead of the built-in one
    #[arg(long, env = "NARROWS_PROBE_CATALOGUE", value_name = "FILE")]
    pub catalogue: Option<PathBuf>,
}

/// The part of the catalogue that a command is about.
#[derive(Clone, Debug)]
pub struct Selection {
    catalogue: Cow<'static, Catalogue>,
    cloud: Cloud,
    region: Option<Region>,
    chosen: Vec<Chosen>,
    parameters: Parameters,
    former: bool,
}

/// One word of `--features`.
#[derive(Clone, Debug)]
enum Chosen {
    Feature(&'static Feature),
    Group(String),
}

// === impl SelectArgs ===

impl SelectArgs {
    /// Whether anything of the catalogue is asked for.
    pub fn is_empty(&self) -> bool {
        self.cloud.is_none() && self.region.is_none() && self.features.is_empty()
    }

    /// Judges the flags. Reads the catalogue if a file is named.
    ///
    /// # Errors
    ///
    /// A word that is not known, with the nearest ones; a region of another cloud; a catalogue that
    /// cannot be read, with the line.
    pub fn resolve(&self) -> Result<Selection, Fault> {
        let catalogue = self.read_catalogue()?;
        let region = self.find_region(&catalogue)?;
        let cloud = self.find_cloud(region.as_ref())?;
        let chosen = self.choose(&catalogue)?;
        let parameters = self.parameters(&catalogue)?;
        Ok(Selection {
            catalogue,
            cloud,
            region,
            chosen,
            parameters,
            former: self.former,
        })
    }

    fn read_catalogue(&self) -> Result<Cow<'static, Catalogue>, Fault> {
        let Some(path) = &self.catalogue else {
            return Ok(Cow::Borrowed(Catalogue::built_in()));
        };
        let text = std::fs::read_to_string(path)
            .map_err(|error| Fault::usage(format_args!("{}: {error}", path.display())))?;
        let catalogue = text.parse::<Catalogue>().map_err(|error| {
            let place = format!("{}:{}", path.display(), error.line());
            Fault::usage(format_args!("{place}: {}", error.problem()))
        })?;
        Ok(Cow::Owned(catalogue))
    }

    fn find_region(&self, catalogue: &Catalogue) -> Result<Option<Region>, Fault> {
        let Some(name) = &self.region else {
            return Ok(None);
        };
        let unknown = |_| {
            let names = catalogue.regions().iter().map(|region| &*region.name);
            let near = near::nearest(name, names);
            let hint = match &*near {
                [] => "narrows-probe endpoints --regions lists them".to_owned(),
                near => format!("did you mean {}?", near.join(" or ")),
            };
            Fault::usage(format_args!("--region: there is no region {name:?}")).hint(hint)
        };
        catalogue.region(name).cloned().map(Some).map_err(unknown)
    }

    fn find_cloud(&self, region: Option<&Region>) -> Result<Cloud, Fault> {
        let of_region = region.map(|region| region.cloud);
        let Some(name) = &self.cloud else {
            return Ok(of_region.unwrap_or(Cloud::AzureCloud));
        };
        let mut clouds = Cloud::ALL.into_iter();
        let Some(cloud) = clouds.find(|cloud| cloud.as_str().eq_ignore_ascii_case(name)) else {
            let hint = near::hint(name, Cloud::ALL.map(Cloud::as_str), "clouds");
            return Err(
                Fault::usage(format_args!("--cloud: there is no cloud {name:?}")).hint(hint),
            );
        };
        match region {
            Some(region) if region.cloud != cloud => Err(Fault::usage(format_args!(
                "--region: {} belongs to {}, not to {cloud}",
                region.name, region.cloud
            ))
            .hint("leave out --cloud: the region knows its own")),
            _ => Ok(cloud),
        }
    }

    fn choose(&self, catalogue: &Catalogue) -> Result<Vec<Chosen>, Fault> {
        let mut chosen = Vec::new();
        for word in self.features.iter().map(|word| word.trim()) {
            if word.eq_ignore_ascii_case("all") {
                chosen.extend(FEATURES.iter().map(Chosen::Feature));
            } else if let Some(feature) = Feature::find(word) {
                chosen.push(Chosen::Feature(feature));
            } else if catalogue.groups().any(|group| group == word) {
                chosen.push(Chosen::Group(word.to_owned()));
            } else {
                let names = FEATURES.iter().map(|feature| feature.name);
                let hint = near::hint(word, names.chain(["all"]), "features");
                let fault = Fault::usage(format_args!("--features: there is no feature {word:?}"));
                return Err(fault.hint(hint));
            }
        }
        Ok(chosen)
    }

    fn parameters(&self, catalogue: &Catalogue) -> Result<Parameters, Fault> {
        let mut parameters = Parameters::new();
        for text in &self.set {
            let Some((token, value)) = text.split_once('=') else {
                let fault = Fault::usage(format_args!("--set: {text:?} has no ="));
                return Err(fault.hint("write, for example: --set workspace_id=0a1b2c3d"));
            };
            let mut known = catalogue.endpoints().iter();
            if !known.any(|row| row.template.tokens().any(|known| known == token)) {
                let tokens: std::collections::BTreeSet<_> = catalogue
                    .endpoints()
                    .iter()
                    .flat_map(|row| row.template.tokens())
                    .collect();
                let hint = near::hint(token, tokens, "tokens");
                return Err(
                    Fault::usage(format_args!("--set: no name has the token {token:?}")).hint(hint),
                );
            }
            parameters = parameters
                .with(token, value)
                .map_err(|error| Fault::usage(format_args!("--set: {error}")))?;
        }
        Ok(parameters)
    }
}

// === impl Selection ===

impl Selection {
    /// The catalogue that it is a part of.
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// The cloud.
    pub const fn cloud(&self) -> Cloud {
        self.cloud
    }

    /// The region, if one was named.
    pub const fn region(&self) -> Option<&Region> {
        self.region.as_ref()
    }

    /// The words of `--features`, as the catalogue and this crate write them; empty means everything.
    pub fn features(&self) -> Vec<&str> {
        self.chosen.iter().map(Chosen::name).collect()
    }

    /// Every row that was selected, in the catalogue's order and with its repetitions.
    pub fn rows(&self) -> Vec<Opening> {
        self.expanded()
            .into_iter()
            .filter_map(|row| {
                let feature = self.feature_of(&row)?;
                Some(Opening { feature, ..row })
            })
            .collect()
    }

    /// Every row of the cloud, filled in as far as the region and the parameters know.
    fn expanded(&self) -> Vec<Opening> {
        let rows: Vec<_> = match &self.region {
            // A region of the catalogue, and parameters that some row asks for: both were judged.
            Some(region) => self
                .catalogue
                .expand(&region.name, &self.parameters)
                .map(|rows| rows.into_iter().map(Opening::from).collect())
                .unwrap_or_default(),
            None => self
                .catalogue
                .endpoints()
                .iter()
                .filter(|row| row.cloud == self.cloud)
                .map(Opening::from)
                .collect(),
        };
        let keep = |row: &Opening| self.former || !feature::is_former(&row.group, &row.template);
        rows.into_iter().filter(keep).collect()
    }

    /// The word under which the row is selected where there is no gateway.
    fn feature_of(&self, row: &Opening) -> Option<String> {
        if self.chosen.is_empty() {
            return Some(row.group.to_string());
        }
        let chosen = self.chosen.iter().find(|chosen| chosen.needs(row))?;
        Some(chosen.name().to_owned())
    }
}

// === impl Chosen ===

impl Chosen {
    fn name(&self) -> &str {
        match self {
            Self::Feature(feature) => feature.name,
            Self::Group(group) => group,
        }
    }

    fn needs(&self, row: &Opening) -> bool {
        match self {
            Self::Feature(feature) => feature.needs(&row.group, &row.template),
            Self::Group(group) => **group == *row.group,
        }
    }
}

/// Reads a host with or without a port, 443 where there is none; `https://` in front is let pass.
///
/// # Errors
///
/// Why the text is not a target, in one line.
pub fn read_target(text: &str) -> Result<Target, String> {
    let bare = text.strip_prefix("https://").unwrap_or(text);
    let bare = bare.strip_suffix('/').unwrap_or(bare);
    Target::with_default_port(bare, HTTPS).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests;
