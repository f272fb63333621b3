"""A file system of Beam's that is not the local one."""

from apache_beam.io.localfilesystem import LocalFileSystem


class ShelfFileSystem(LocalFileSystem):
    """Folders by URIs: shelf://a/b is a/b in `folder`."""

    folder = ""

    @classmethod
    def scheme(cls):
        return "shelf"

    def _local(self, path):
        return path.replace("shelf://", f"{self.folder}/", 1)

    def _url_dirname(self, url_or_path):
        return url_or_path.rpartition("/")[0]

    def _list(self, dir_or_prefix):
        for found in super()._list(self._local(dir_or_prefix)):
            found.path = found.path.replace(f"{self.folder}/", "shelf://", 1)
            yield found

    def exists(self, path):
        return super().exists(self._local(path))

    def open(self, path, *arguments, **keywords):
        return super().open(self._local(path), *arguments, **keywords)
