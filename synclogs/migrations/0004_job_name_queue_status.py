from django.db import migrations, models


class Migration(migrations.Migration):
    """An index that both databases use for the oldest due jobs of a class; SQLite passed the partial one by."""

    dependencies = [("synclogs", "0003_worker_heartbeats")]

    operations = [
        migrations.RemoveIndex(model_name="job", name="job_waiting"),
        migrations.AddIndex(
            model_name="job",
            index=models.Index(fields=["name", "queue", "status", "run_at"], name="job_name_queue_status"),
        ),
    ]
