from django.db import migrations, models


class Migration(migrations.Migration):
    """Which workers live, and an index for the jobs that wait for them."""

    dependencies = [("synclogs", "0002_alerts_commands_live_events")]

    operations = [
        migrations.CreateModel(
            name="WorkerHeartbeat",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "supervisor",
                    models.CharField(help_text="host:pid:start time of the supervisor.", max_length=120),
                ),
                ("queue", models.CharField(max_length=20)),
                ("workers", models.PositiveIntegerField()),
                ("started_at", models.DateTimeField()),
                ("beat_at", models.DateTimeField()),
            ],
            options={
                "verbose_name": "workers",
                "verbose_name_plural": "workers",
                "db_table": "worker_heartbeats",
            },
        ),
        migrations.AddIndex(
            model_name="job",
            index=models.Index(
                condition=models.Q(("status__in", ("queued", "retry_wait"))),
                fields=["name", "queue", "run_at"],
                name="job_waiting",
            ),
        ),
        migrations.AddConstraint(
            model_name="workerheartbeat",
            constraint=models.UniqueConstraint(
                fields=("supervisor", "queue"), name="worker_heartbeat_cluster"
            ),
        ),
    ]
