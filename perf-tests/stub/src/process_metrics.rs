//! Metrics of the stub's process, named as by Python's client. Those of the `prometheus` crate need
//! an older `procfs`, which would compile beside the workspace's.

use std::sync::{Mutex, PoisonError};

use procfs::process::{LimitValue, Process};
use procfs::{CurrentSI as _, KernelStats, page_size, ticks_per_second};
use prometheus::{Counter, Gauge, IntGauge, Registry};

pub(crate) struct ProcessMetrics {
    /// Locked, so that two readings at once do not both add the same time.
    cpu: Mutex<Counter>,
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
        let cpu = Counter::new("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.")?;
        registry.register(Box::new(cpu.clone()))?;
        let started =
            Gauge::new("process_start_time_seconds", "Start time of the process since unix epoch in seconds.")?;
        registry.register(Box::new(started.clone()))?;
        // Read once, because the time of the boot changes a little when the clock is set.
        started.set(start_time().map_err(|error| prometheus::Error::Msg(error.to_string()))?);
        Ok(Self {
            cpu: Mutex::new(cpu),
            virtual_memory: gauge("process_virtual_memory_bytes", "Virtual memory size in bytes.")?,
            resident_memory: gauge("process_resident_memory_bytes", "Resident memory size in bytes.")?,
            open_files: gauge("process_open_fds", "Number of open file descriptors.")?,
            max_files: gauge("process_max_fds", "Maximum number of open file descriptors.")?,
        })
    }

    /// Reads the present values. A value that cannot be read stays what it was.
    pub(crate) fn update(&self) {
        if let Err(error) = self.read() {
            eprintln!("warning: cannot read the metrics of this process: {error}");
        }
    }

    fn read(&self) -> procfs::ProcResult<()> {
        let process = Process::myself()?;
        let stat = process.stat()?;
        let cpu = self.cpu.lock().unwrap_or_else(PoisonError::into_inner);
        // Sums of floats may exceed the time by a rounding error.
        cpu.inc_by((seconds(stat.utime + stat.stime) - cpu.get()).max(0.0));
        drop(cpu);
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

#[expect(clippy::cast_precision_loss, reason = "Prometheus' values are floats")]
fn seconds(ticks: u64) -> f64 {
    ticks as f64 / ticks_per_second() as f64
}

/// Start time of this process, in Unix seconds.
#[expect(clippy::cast_precision_loss, reason = "Prometheus' values are floats")]
fn start_time() -> procfs::ProcResult<f64> {
    let booted = KernelStats::current()?.btime as f64;
    Ok(booted + seconds(Process::myself()?.stat()?.starttime))
}
