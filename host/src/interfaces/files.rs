//! `wasi:filesystem/types`: wasmtime-wasi's, except for the methods that open a file. Those also count the files of an instance.

use std::sync::Arc;

use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Access, Accessor, Linker, Resource};
use wasmtime::{AsContextMut, StoreContextMut};
use wasmtime_wasi::filesystem::{
    Descriptor, Dir, WasiFilesystem, WasiFilesystemCtxView, WasiFilesystemView,
};
use wasmtime_wasi::{p2, p3};

use super::{WASI_3_VERSION, WASI_VERSION};
use crate::sandbox::{HostState, Opening};

const INTERFACE: &str = "wasi:filesystem/types";

const OPEN_AT: &str = "[method]descriptor.open-at";
const READ_DIRECTORY: &str = "[method]descriptor.read-directory";

/// Links the interface of WASI 0.2. Listing a directory closes it within the call, so that it is not counted.
pub(super) fn link_2(
    linker: &mut Linker<HostState>,
    _: &str,
    _: &ComponentItem,
) -> wasmtime::Result<()> {
    use p2::bindings::filesystem::types::{
        DescriptorFlags, Host, HostDescriptor, OpenFlags, PathFlags, add_to_linker,
    };
    add_to_linker::<HostState, WasiFilesystem>(linker, HostState::noted_filesystem)?;
    type Parameters = (
        Resource<Descriptor>,
        PathFlags,
        String,
        OpenFlags,
        DescriptorFlags,
    );
    linker.allow_shadowing(true);
    linker
        .instance(&format!("{INTERFACE}@{WASI_VERSION}"))?
        .func_wrap_async(
            OPEN_AT,
            |mut store: StoreContextMut<'_, HostState>,
             (directory, path_flags, path, open, flags): Parameters| {
                Box::new(async move {
                    let opening = store.data_mut().open_file()?;
                    let mut files = store.data_mut().filesystem();
                    let opened = files
                        .open_at(directory, path_flags, path, open, flags)
                        .await;
                    let file = match opened {
                        Ok(file) => file,
                        Err(error) => return Ok((Err(files.convert_error_code(error)?),)),
                    };
                    store.data_mut().opened_file(opening, &file)?;
                    Ok((Ok(file),))
                })
            },
        )?;
    linker.allow_shadowing(false);
    Ok(())
}

/// Links the interface of WASI 0.3.
pub(super) fn link_3(
    linker: &mut Linker<HostState>,
    _: &str,
    _: &ComponentItem,
) -> wasmtime::Result<()> {
    use p3::bindings::filesystem::types::{
        DescriptorFlags, Host, HostDescriptorWithStore, OpenFlags, PathFlags, add_to_linker,
    };
    add_to_linker::<HostState, WasiFilesystem>(linker, HostState::noted_filesystem)?;
    type Parameters = (
        Resource<Descriptor>,
        PathFlags,
        String,
        OpenFlags,
        DescriptorFlags,
    );
    type Files = WasiFilesystem;
    linker.allow_shadowing(true);
    let mut instance = linker.instance(&format!("{INTERFACE}@{WASI_3_VERSION}"))?;
    instance.func_wrap_concurrent(
        OPEN_AT,
        |store: &Accessor<HostState>, (directory, path_flags, path, open, flags): Parameters| {
            Box::pin(async move {
                let opening = store.with(|mut store| store.get().open_file())?;
                let files = store.with_getter::<Files>(HostState::filesystem);
                let opened = Files::open_at(&files, directory, path_flags, path, open, flags).await;
                store.with(|mut store| {
                    let state = store.get();
                    let file = match opened {
                        Ok(file) => file,
                        Err(error) => {
                            return Ok((Err(state.filesystem().convert_error_code(error)?),));
                        }
                    };
                    state.opened_file(opening, &file)?;
                    Ok((Ok(file),))
                })
            })
        },
    )?;
    instance.func_wrap(
        READ_DIRECTORY,
        |mut store: StoreContextMut<'_, HostState>, (directory,): (Resource<Descriptor>,)| {
            // The stream keeps the directory and another descriptor for its entries open, both until it ends.
            let own = store.data_mut().copy_directory(&directory)?;
            let listed = match &own {
                Some(own) => Resource::new_borrow(own.rep()),
                None => directory,
            };
            let access = Access::<_, Files>::new(store.as_context_mut(), HostState::filesystem);
            let streams = Files::read_directory(access, listed)?;
            if let Some(own) = own {
                store.data_mut().filesystem().table.delete(own)?;
            }
            Ok((streams,))
        },
    )?;
    linker.allow_shadowing(false);
    Ok(())
}

impl HostState {
    /// Notes a call of the interface, for a call that waits too long.
    fn noted_filesystem(&mut self) -> WasiFilesystemCtxView<'_> {
        self.begin_call(INTERFACE);
        self.filesystem()
    }

    fn open_file(&mut self) -> wasmtime::Result<Opening> {
        self.begin_call(INTERFACE);
        Ok(self.files.open()?)
    }

    fn opened_file(
        &mut self,
        opening: Opening,
        file: &Resource<Descriptor>,
    ) -> wasmtime::Result<()> {
        let file = match self.filesystem().table.get(file)? {
            Descriptor::File(file) => Arc::clone(&file.file),
            Descriptor::Dir(directory) => Arc::clone(&directory.dir),
        };
        self.files.opened(opening, &file);
        Ok(())
    }

    /// Opens a directory a second time, which counts twice. Returns `None` if the descriptor is a file's.
    fn copy_directory(
        &mut self,
        directory: &Resource<Descriptor>,
    ) -> wasmtime::Result<Option<Resource<Descriptor>>> {
        self.begin_call(INTERFACE);
        let Descriptor::Dir(directory) = self.filesystem().table.get(directory)? else {
            return Ok(None);
        };
        let directory = directory.clone();
        let places = [self.files.open()?, self.files.open()?];
        let copy = directory.dir.try_clone()?;
        // Its thread holds the directory while it lists it. On the guest's own thread, wasmtime-wasi keeps only a descriptor
        // that is not counted.
        let copy = Dir::new(copy, directory.perms, directory.open_mode, false);
        for opening in places {
            self.files.opened(opening, &copy.dir);
        }
        Ok(Some(self.filesystem().table.push(Descriptor::Dir(copy))?))
    }
}
