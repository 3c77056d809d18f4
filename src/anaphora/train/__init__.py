"""Training: where torch lives. It writes bundles and is never needed to run one."""
