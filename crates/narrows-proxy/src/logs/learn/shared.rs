//! Suffixes below which strangers get names of their own.

/// Whether a star below this suffix would cover names of strangers: it is a public suffix, or a suffix at
/// which a cloud hands out names, or stands above one.
pub(super) fn is_shared(suffix: &str) -> bool {
    let public = psl::suffix(suffix.as_bytes());
    let public = public.is_some_and(|public| public.as_bytes().len() >= suffix.len());
    public || SHARED.iter().any(|shared| is_at_or_below(shared, suffix))
}

fn is_at_or_below(name: &str, suffix: &str) -> bool {
    let head = name.strip_suffix(suffix);
    head.is_some_and(|head| head.is_empty() || head.ends_with('.'))
}

/// What the list of public suffixes does not have, or has only in part. One entry protects all that
/// stands above it too: `*.windows.net` covers `*.blob.core.windows.net`.
const SHARED: &[&str] = &[
    "amazonaws.com",
    "appspot.com",
    "azmk8s.io",
    "azure-api.net",
    "azurecr.io",
    "azuredatabricks.net",
    "azureedge.net",
    "azurefd.net",
    "azurewebsites.net",
    "blob.core.chinacloudapi.cn",
    "blob.core.usgovcloudapi.net",
    "blob.core.windows.net",
    "cloudapp.azure.com",
    "cloudapp.net",
    "cloudfront.net",
    "cognitiveservices.azure.com",
    "database.windows.net",
    "dfs.core.windows.net",
    "documents.azure.com",
    "file.core.windows.net",
    "github.io",
    "githubusercontent.com",
    "oms.opinsights.azure.com",
    "ods.opinsights.azure.com",
    "openai.azure.com",
    "queue.core.windows.net",
    "redis.cache.windows.net",
    "s3.amazonaws.com",
    "search.windows.net",
    "servicebus.chinacloudapi.cn",
    "servicebus.usgovcloudapi.net",
    "servicebus.windows.net",
    "sharepoint.com",
    "storage.googleapis.com",
    "table.core.windows.net",
    "trafficmanager.net",
    "vault.azure.net",
    "vault.azure.cn",
    "vault.usgovcloudapi.net",
    "web.core.windows.net",
    "workers.dev",
];
