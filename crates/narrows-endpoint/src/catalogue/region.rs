//! [`Region`]: one region and the codes that stand for it in names.

use std::sync::Arc;

use super::Cloud;

/// One region. Three systems of codes are in use for it, and not every code is public.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Region {
    /// The cloud that it belongs to.
    pub cloud: Cloud,
    /// The name that Azure Resource Manager uses: `japaneast`.
    pub name: Arc<str>,
    /// The name for people: `Japan East`.
    pub display_name: Arc<str>,
    /// The geography: `Japan`. Empty where the sources do not say.
    pub geography: Arc<str>,
    /// The code in `<his_code>.his.arc.azure.com`, if it is public.
    pub his_code: Option<Arc<str>>,
    /// The short code in `<gas_code>-gas.guestconfiguration.azure.com`, if it is public.
    pub gas_code: Option<Arc<str>>,
    /// The storage accounts of machine configuration, as names.
    pub machine_config_storage: Vec<Arc<str>>,
}

/// A name that is no region, and regions with similar names.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no region {name:?}{}", hint(.near))]
pub struct UnknownRegion {
    name: Box<str>,
    near: Vec<Arc<str>>,
}

// === impl UnknownRegion ===

impl UnknownRegion {
    /// What was asked for.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Regions with similar names, the most similar first; none if nothing is similar.
    pub fn near(&self) -> impl Iterator<Item = &str> {
        self.near.iter().map(|name| &**name)
    }
}

/// Finds a region by its name or display name, whatever the case and the spaces.
pub(super) fn find<'a>(regions: &'a [Region], name: &str) -> Result<&'a Region, UnknownRegion> {
    let wanted = squeeze(name);
    regions
        .iter()
        .find(|region| *region.name == *wanted || squeeze(&region.display_name) == wanted)
        .ok_or_else(|| UnknownRegion {
            name: name.into(),
            near: similar(regions, &wanted),
        })
}

fn similar(regions: &[Region], wanted: &str) -> Vec<Arc<str>> {
    let mut near: Vec<_> = regions
        .iter()
        .map(|region| (strsim::jaro_winkler(&region.name, wanted), &region.name))
        .filter(|(similarity, _)| *similarity > SIMILAR)
        .collect();
    near.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    near.into_iter()
        .take(3)
        .map(|(_, name)| Arc::clone(name))
        .collect()
}

fn squeeze(name: &str) -> String {
    name.chars()
        .filter(|c| !c.is_whitespace())
        .flat_map(char::to_lowercase)
        .collect()
}

fn hint(near: &[Arc<str>]) -> String {
    match near {
        [] => String::new(),
        near => format!("; did you mean {}?", near.join(" or ")),
    }
}

/// Names that share a beginning and most letters: `japanest` is 0.98 from `japaneast`.
const SIMILAR: f64 = 0.88;
