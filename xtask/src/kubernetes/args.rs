//! The flags of runs on Kubernetes.

/// Processors and memory of a pod, by default.
pub(super) const POD_CPU: &str = "1";
pub(super) const POD_MEMORY: &str = "512Mi";

/// Flags of `--agents kubernetes:N`.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Kubernetes")]
pub(crate) struct KubernetesArgs {
    /// Image with the scenarios, for --agents kubernetes:N
    ///
    /// `cargo xtask image --push REF` builds it. It must have the same revision as this checkout.
    #[arg(long, value_name = "REF")]
    pub(crate) image: Option<String>,
    /// Context of kubectl [default: the current one]
    #[arg(long, value_name = "CONTEXT", requires = "image")]
    pub(super) context: Option<String>,
    /// Namespace of the pods [default: that of the context]
    #[arg(long, value_name = "NAMESPACE", requires = "image")]
    pub(super) namespace: Option<String>,
    #[arg(
        long,
        value_name = "CPU",
        value_parser = parse_quantity,
        requires = "image",
        help = format!("Processors of each pod, for example 2 or 500m [default: {POD_CPU}]")
    )]
    pub(super) pod_cpu: Option<String>,
    #[arg(
        long,
        value_name = "MEMORY",
        value_parser = parse_memory,
        requires = "image",
        help = format!("Memory of each pod, for example 2Gi [default: {POD_MEMORY}]")
    )]
    pub(super) pod_memory: Option<String>,
}

/// Checks a quantity of Kubernetes.
fn parse_quantity(text: &str) -> Result<String, String> {
    const SUFFIXES: [&str; 10] = ["", "m", "k", "M", "G", "T", "Ki", "Mi", "Gi", "Ti"];
    let number = text.trim_end_matches(|it: char| it.is_ascii_alphabetic());
    let is_number = number.starts_with(|it: char| it.is_ascii_digit()) && number.parse::<f64>().is_ok();
    match is_number && SUFFIXES.contains(&&text[number.len()..]) {
        true => Ok(text.to_owned()),
        false => Err(format!("{text:?} is not a quantity such as 2, 500m or 2Gi")),
    }
}

/// Checks a quantity of bytes. Kubernetes accepts 500m, which is half a byte.
fn parse_memory(text: &str) -> Result<String, String> {
    match text.ends_with('m') {
        true => Err(format!("{text:?} is not a quantity of memory such as 500Mi or 2Gi")),
        false => parse_quantity(text),
    }
}

#[cfg(test)]
mod tests;
