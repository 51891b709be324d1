from django.db import migrations


class Migration(migrations.Migration):
    """An index for taking the oldest delivery of any queue, which django-q2's own table lacks."""

    dependencies = [
        ("integrations", "0001_initial"),
        ("django_q", "0019_alter_task_options_alter_ormq_key_alter_ormq_lock_and_more"),
    ]

    operations = [
        migrations.RunSQL(
            sql="CREATE INDEX django_q_ormq_lock_id ON django_q_ormq (lock, id, key)",
            reverse_sql="DROP INDEX django_q_ormq_lock_id",
        )
    ]
