//! [`Feature`]: what people use, and the groups of the catalogue that it needs.

/// Something that people use, by the name that `--features` takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Feature {
    /// The word on the command line.
    pub name: &'static str,
    /// One line for people.
    pub about: &'static str,
    /// Groups that must be open where there is no gateway.
    pub groups: &'static [&'static str],
    /// Groups that must stay open beside a gateway. If it is empty, that is what the gateway does not
    /// carry of `groups`.
    pub gateway_groups: &'static [&'static str],
    /// Rows of other features' groups that this one needs and that one does not: group and name.
    pub borrowed: &'static [Row],
}

/// A row by its group and its name pattern as the catalogue writes them.
type Row = (&'static str, &'static str);

/// Rows that only older editions of Microsoft's lists have: the agents and extensions of today do
/// without. `--former` brings them back.
const FORMER: &[Row] = &[
    ("arc-gateway-required-servers", "aka.ms"),
    ("arc-servers", "aka.ms"),
    ("arc-servers", "login.windows.net"),
    ("arc-servers", "san-af-<region>-prod.azurewebsites.net"),
];

/// Every feature, the ones that most people have first.
pub const FEATURES: &[Feature] = &[
    Feature {
        name: "servers",
        about: "Arc-enabled servers: the agent and its extensions' downloads",
        groups: &["arc-servers"],
        gateway_groups: &["arc-gateway-required-servers"],
        borrowed: &[],
    },
    Feature {
        name: "ama",
        about: "Azure Monitor agent",
        groups: &["extension-ama"],
        gateway_groups: &["arc-gateway-extra-ama"],
        borrowed: &[],
    },
    Feature {
        name: "sql",
        about: "SQL Server enabled by Arc",
        groups: &["extension-sql"],
        gateway_groups: &[],
        borrowed: &[
            ("arc-servers", "<vault>.vault.azure.net"),
            ("arc-servers", "graph.microsoft.com"),
        ],
    },
    Feature {
        name: "kubernetes",
        about: "Arc-enabled Kubernetes",
        groups: &["arc-kubernetes"],
        gateway_groups: &["arc-gateway-required-kubernetes"],
        borrowed: &[],
    },
    simple(
        "wac",
        "Windows Admin Center in the portal",
        &["extension-wac"],
        &[],
    ),
    simple(
        "keyvault",
        "Key Vault certificate sync",
        &["extension-keyvault"],
        &["arc-gateway-extra-keyvault"],
    ),
    simple(
        "automation",
        "hybrid runbook workers",
        &["extension-automation"],
        &["arc-gateway-extra-automation"],
    ),
    simple(
        "guest-attestation",
        "guest attestation",
        &["extension-guest-attestation"],
        &[],
    ),
    simple(
        "defender",
        "Defender for Endpoint, as far as the catalogue knows it",
        &["extension-defender"],
        &["arc-gateway-extra-defender"],
    ),
    simple(
        "update",
        "Windows Update, as far as the catalogue knows it",
        &["arc-gateway-extra-update"],
        &["arc-gateway-extra-update"],
    ),
    simple(
        "machine-configuration",
        "machine configuration and its packages",
        &["machine-configuration"],
        &[],
    ),
    simple(
        "esu",
        "Extended Security Updates and nothing else",
        &["arc-servers-esu-only"],
        &[],
    ),
    simple(
        "container-insights",
        "Container insights on Kubernetes",
        &["arc-gateway-extra-kubernetes-container-insights"],
        &["arc-gateway-extra-kubernetes-container-insights"],
    ),
    simple(
        "kubernetes-keyvault",
        "Key Vault secrets on Kubernetes",
        &["arc-gateway-extra-kubernetes-keyvault"],
        &["arc-gateway-extra-kubernetes-keyvault"],
    ),
    simple(
        "defender-containers",
        "Defender for Containers",
        &["arc-gateway-extra-kubernetes-defender-containers"],
        &["arc-gateway-extra-kubernetes-defender-containers"],
    ),
    simple(
        "data-services",
        "Arc-enabled data services",
        &["arc-data-services"],
        &["arc-gateway-extra-data-services"],
    ),
    simple(
        "resource-bridge",
        "Arc resource bridge",
        &["arc-resource-bridge"],
        &[],
    ),
    simple("azure-local", "Azure Local", &["azure-local"], &[]),
];

const fn simple(
    name: &'static str,
    about: &'static str,
    groups: &'static [&'static str],
    gateway_groups: &'static [&'static str],
) -> Feature {
    Feature {
        name,
        about,
        groups,
        gateway_groups,
        borrowed: &[],
    }
}

// === impl Feature ===

impl Feature {
    /// The feature of that name, whatever the case.
    pub fn find(name: &str) -> Option<&'static Self> {
        FEATURES
            .iter()
            .find(|feature| feature.name.eq_ignore_ascii_case(name))
    }

    /// Whether a row of the catalogue belongs to it where there is no gateway.
    pub fn needs(&self, group: &str, name: &str) -> bool {
        if self.borrowed.contains(&(group, name)) {
            return true;
        }
        let lent = FEATURES
            .iter()
            .any(|feature| feature.borrowed.contains(&(group, name)));
        self.groups.contains(&group) && !lent
    }
}

/// Whether only older editions of Microsoft's lists have the row.
pub(crate) fn is_former(group: &str, name: &str) -> bool {
    FORMER.contains(&(group, name))
}

#[cfg(test)]
mod tests {
    use narrows_endpoint::Catalogue;

    use super::*;

    /// The words here and the built-in catalogue cannot drift apart unnoticed.
    #[test]
    fn every_group_and_row_is_in_the_catalogue() {
        let catalogue = Catalogue::built_in();
        let groups: Vec<_> = catalogue.groups().collect();
        for feature in FEATURES {
            for group in feature.groups.iter().chain(feature.gateway_groups) {
                assert!(groups.contains(group), "{}: {group}", feature.name);
            }
        }
        let borrowed = FEATURES.iter().flat_map(|feature| feature.borrowed);
        for (group, name) in borrowed.chain(FORMER) {
            let row = catalogue
                .endpoints()
                .iter()
                .any(|row| row.group() == *group && row.template.as_str() == *name);
            assert!(row, "{group}: {name}");
        }
    }
}
