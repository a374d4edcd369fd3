//! Metrics of the stub's process, named as by Python's client. Those of the `prometheus` crate need
//! an older `procfs`, which would compile beside the workspace's.

use procfs::process::{LimitValue, Process};
use procfs::{CurrentSI as _, KernelStats, page_size, ticks_per_second};
use prometheus::{Counter, Gauge, IntGauge, Registry};

pub(crate) struct ProcessMetrics {
    cpu: Counter,
    started: Gauge,
    virtual_memory: IntGauge,
    resident_memory: IntGauge,
    open_files: IntGauge,
    max_files: IntGauge,
}

impl ProcessMetrics {
    pub(crate) fn register(registry: &Registry) -> prometheus::Result<Self> {
        let gauge = |name: &str, help: &str| {
            let gauge = IntGauge::new(name, help)?;
            registry.register(Box::new(gauge.clone()))?;
            prometheus::Result::Ok(gauge)
        };
        let metrics = Self {
            cpu: Counter::new("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.")?,
            started: Gauge::new(
                "process_start_time_seconds",
                "Start time of the process since unix epoch in seconds.",
            )?,
            virtual_memory: gauge("process_virtual_memory_bytes", "Virtual memory size in bytes.")?,
            resident_memory: gauge("process_resident_memory_bytes", "Resident memory size in bytes.")?,
            open_files: gauge("process_open_fds", "Number of open file descriptors.")?,
            max_files: gauge("process_max_fds", "Maximum number of open file descriptors.")?,
        };
        registry.register(Box::new(metrics.cpu.clone()))?;
        registry.register(Box::new(metrics.started.clone()))?;
        Ok(metrics)
    }

    /// Reads the present values.
    pub(crate) fn update(&self) -> procfs::ProcResult<()> {
        let process = Process::myself()?;
        let stat = process.stat()?;
        #[expect(clippy::cast_precision_loss, reason = "Prometheus' values are floats")]
        let seconds = |ticks: u64| ticks as f64 / ticks_per_second() as f64;
        self.cpu.inc_by(seconds(stat.utime + stat.stime) - self.cpu.get());
        #[expect(clippy::cast_precision_loss, reason = "Prometheus' values are floats")]
        self.started.set(KernelStats::current()?.btime as f64 + seconds(stat.starttime));
        let as_gauge = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        self.virtual_memory.set(as_gauge(stat.vsize));
        self.resident_memory.set(as_gauge(stat.rss * page_size()));
        self.open_files.set(as_gauge(process.fd_count()? as u64));
        if let LimitValue::Value(files) = process.limits()?.max_open_files.soft_limit {
            self.max_files.set(as_gauge(files));
        }
        Ok(())
    }
}
